"""What serves on this machine: the router and the predictors behind it, known from command to command."""

import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from timonel.config import Config
from timonel.errors import BadInput, Unavailable
from timonel.files import write_text
from timonel.terms import Assignment
from timonel_pipelines.rollout.route import children, traefik
from timonel_pipelines.rollout.route.children import Child
from timonel_pipelines.rollout.route.dynamic import Dynamic
from timonel_pipelines.rollout.route.router import Route
from timonel_pipelines.rollout.route.traefik import Traefik

SETTLE = 1.0
"""Seconds from the last request that the router sends to a process until it is asked to end."""


class Version(BaseModel):
    """A version of the model whose package was verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str
    digest: str
    package: str
    """Its folder."""
    data: str
    """The table that it was trained on, and the table's version."""


class Predictor(BaseModel):
    """A version that answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    child: Child
    url: str


class Standing(BaseModel):
    """All that runs, as it is kept on the disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    router: Child | None = None
    api: str = ""
    predictors: dict[str, Predictor] = {}
    leaving: tuple[Child, ...] = ()
    """Processes that another one of their version has replaced."""


@dataclass(frozen=True)
class Place:
    """Where a stand is kept, and how its processes are started."""

    config: Config
    settings: Path
    """The timonel.yaml that predictors are started with."""
    log_url: str
    """The detector, to which they send each inference."""

    @property
    def folder(self) -> Path:
        """The folder of the stand."""
        return self.config.home / "serving" / self.config.model.name


class Stand:
    """The router with its predictors. Only one command at a time may change it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._file = place.folder / "stand.json"

    @property
    def standing(self) -> Standing:
        """What was started and not stopped, whether it still runs or not."""
        if not self._file.exists():
            return Standing()
        return Standing.model_validate_json(self._file.read_text(encoding="utf-8"))

    @property
    def url(self) -> str:
        """Where requests go."""
        release = self.place.config.release
        return f"http://{release.host}:{release.port}"

    @property
    def router(self) -> Traefik:
        """The router, which must have been opened."""
        config = self.place.config
        most = int(config.serving.max_body_mb * 1_000_000)
        sticky = config.rollout.assignment is Assignment.STICKY
        dynamic = Dynamic(config.model.name, config.release.sticky if sticky else None, most)
        return Traefik(self._routes, self.standing.api, dynamic)

    @property
    def _routes(self) -> Path:
        return self.place.folder / "routes.yaml"

    def open(self) -> None:
        """Start the router unless it runs."""
        if self.standing.router is not None and self.standing.router.alive:
            return
        release = self.place.config.release
        _check_free(release.host, release.port)
        if not self._routes.exists():
            write_text(self._routes, "{}")
        api = f"127.0.0.1:{_free_port()}"
        words = traefik.command(self._routes, f"{release.host}:{release.port}", api)
        child = children.start(words, self.place.folder / "router.out")
        self._keep(router=child, api=f"http://{api}")
        traefik.until(self.router.ready, "the router does not answer")

    def serve(self, version: Version) -> bool:
        """Start a predictor of the version unless one runs; whether one had to be started."""
        known = self.standing.predictors.get(version.number)
        if known is not None and known.child.alive and known.version == version:
            return False
        if known is not None:
            known.child.stop(self.place.config.serving.drain_seconds)
        self._launch(version)
        return True

    def renew(self, version: Version) -> None:
        """Give a version that has requests a process of age 0, without losing one of them."""
        old, before = self.standing.predictors[version.number].child, self.router.in_force()
        self._keep(leaving=(*self.standing.leaving, old))
        self._launch(version)
        self.route(before.weights, before.mirrored)
        time.sleep(SETTLE)
        self._dismiss()

    def _launch(self, version: Version) -> None:
        words = [str(Path(sys.executable).with_name("timonel")), "serve", *self._flags(version)]
        name = f"predictor-{version.number}-{time.time_ns():x}.out"
        child = children.start(words, self.place.folder / name)
        self._put(Predictor(version=version, child=child, url=""))
        facts = child.announced(self.place.config.release.start_within.total_seconds())
        self._put(Predictor(version=version, child=child, url=facts["rest"]))

    def _dismiss(self) -> None:
        for child in self.standing.leaving:
            child.stop(self.place.config.serving.drain_seconds)
        self._keep(leaving=())

    def _flags(self, version: Version) -> list[str]:
        given = {
            "--config": str(self.place.settings),
            "--package": version.package,
            "--model-version": version.number,
            "--host": "127.0.0.1",
            "--port": "0",
            "--log-url": self.place.log_url,
        }
        return [*(part for option in given.items() for part in option), "--no-grpc", "--json"]

    def route(self, weights: Mapping[str, int], mirrored: str | None = None) -> None:
        """Have the requests go so; versions that are not named get none.

        Args:
            weights: percent by version, the champion first.
            mirrored: the one of them that gets a copy of each request.
        """
        known = self.standing.predictors
        lacking = [v for v in weights if v not in known or not known[v].url]
        if lacking:
            raise BadInput(f"no predictor of version {', '.join(lacking)} runs")
        routes = [Route(v, known[v].url, weight) for v, weight in weights.items()]
        self.router.set_routes(routes, mirrored)

    def alive(self, number: str) -> bool:
        """Whether the predictor of a version runs."""
        found = self.standing.predictors.get(number)
        return found is not None and found.child.alive

    def stop(self, number: str) -> None:
        """Stop a version that the router sends nothing any more; what it works on it finishes."""
        found = self.standing.predictors.get(number)
        if found is not None:
            found.child.stop(self.place.config.serving.drain_seconds)
            left = {v: p for v, p in self.standing.predictors.items() if v != number}
            self._keep(predictors=left)

    def stop_others(self, *numbers: str) -> None:
        """Stop what an earlier rollout may have left: all versions but these, which alone are routed."""
        for number in self.standing.predictors.keys() - set(numbers):
            self.stop(number)

    def close(self) -> None:
        """Stop all, the router first."""
        found = self.standing
        if found.router is not None:
            found.router.stop(0)
        for number in found.predictors:
            self.stop(number)
        self._dismiss()
        self._file.unlink(missing_ok=True)
        self._routes.unlink(missing_ok=True)

    def _put(self, predictor: Predictor) -> None:
        known = self.standing.predictors
        self._keep(predictors=known | {predictor.version.number: predictor})

    def _keep(self, **changed: object) -> None:
        write_text(
            self._file, self.standing.model_copy(update=changed).model_dump_json(indent=2) + "\n"
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _check_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"the router cannot listen on {host}:{port}: {error.strerror}",
                fix="stop what listens there, or set release.port",
            ) from None
