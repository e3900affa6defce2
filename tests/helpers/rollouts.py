"""A model with several registered versions, watched, and under a steady load: what a rollout stands on."""

import json
import shutil
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from chain import started
from packages import Built, build
from timonel.package import Package, digest_files, seal_package
from timonel.workspace import Workspace
from timonel_components.register import DIGEST_TAG
from timonel_pipelines.rollout.opening import Site
from timonel_pipelines.rollout.record.state import State, Store
from watching import wait

NARROW = 3
"""The version whose contract knows no region `south`: it refuses a third of the requests."""
HASTY = 8
"""The version with another threshold: it serves as well as the others, and is wrong more often."""
BEHIND = 300
"""Requests that the monitor may have to count yet when a site is said to run."""
VERSIONS = 8


@dataclass
class Load:
    """Requests, one after the other from each of some threads; what they were answered."""

    url: str
    rows: list[dict[str, Any]]
    answers: Counter[int] = field(default_factory=Counter)
    served: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Answers by the caller's cohort, 0 to 99, and the version that they name."""
    threads: int = 2
    pause: float = 0.01
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with each request."""
    going: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Ask until the end of the block."""
        workers = [threading.Thread(target=self._ask, args=(i,)) for i in range(self.threads)]
        self.going.set()
        for worker in workers:
            worker.start()
        try:
            yield self
        finally:
            self.stop()
            for worker in workers:
                worker.join()

    def stop(self) -> None:
        """Ask no more."""
        self.over.set()
        self.going.set()

    def _ask(self, first: int) -> None:
        with httpx.Client(timeout=30) as client:
            number = first
            while not self.over.is_set():
                self.going.wait()
                body = {"instances": [self.rows[number % len(self.rows)]]}
                said = {"x-request-id": uuid.uuid4().hex, "x-cohort": str(number % 100)}
                said |= self.headers
                try:
                    answer = client.post(self.url, json=body, headers=said)
                    status = answer.status_code
                    if status == httpx.codes.OK:
                        self.served[number % 100, answer.headers["x-timonel-version"]] += 1
                except httpx.TransportError:
                    status = 0
                self.answers[status] += 1
                number += self.threads
                time.sleep(self.pause)


@dataclass(frozen=True)
class Field:
    """The running site."""

    settings: Path
    site: Site
    load: Load

    def roll(self, version: int, tell: Any = None) -> State:
        """Release a version in this process."""
        return self.drive(self.begin(version), tell)

    def begin(self, version: int) -> Store:
        """Write a rollout down."""
        return self.site.begin(str(version), 100.0, datetime.now(UTC))

    def drive(self, store: Store, tell: Any = None) -> State:
        """Drive it."""
        return self.site.driver(store, tell or (lambda what, text: None)).run()

    def under(self, name: str, rollout: dict[str, Any], **release: Any) -> "Field":
        """The same site with other settings of its rollouts."""
        found = yaml.safe_load(self.settings.read_text())
        found["rollout"] |= rollout
        found["release"] |= release
        settings = self.settings.with_name(f"{name}.yaml")
        settings.write_text(yaml.safe_dump(found))
        return Field(settings, Site(settings, self.site.monitor, self.site.detector), self.load)

    def champion(self) -> str | None:
        """Whom the registry calls so."""
        return self.site.registry.aliases.of("champion")

    def steps(self, store: Store) -> list[str]:
        """What the chain says that a rollout did."""
        details = [json.loads(r.details) for r in self.site.ledger.decisions()]
        return [d["step"] for d in details if d.get("rollout") == store.id]

    def arguments(self) -> tuple[str, ...]:
        """For the commands."""
        assert self.site.monitor is not None
        assert self.site.detector is not None
        at = ("--monitor", self.site.monitor, "--detector", self.site.detector)
        return ("-c", str(self.settings), *at)


@contextmanager
def rolling(folder: Path, more: dict[str, Any] | None = None) -> Iterator[Field]:
    """A site with its versions, its monitor and detector, its load; all is stopped at the end.

    `more` are settings besides or in place of `said`.
    """
    built = build(folder / "package")
    settings = folder / "timonel.yaml"
    settings.write_text(yaml.safe_dump(merged(said(free_port()), more or {})))
    register_all(Site(settings), built, folder)
    with standing(settings, built.rows(300), "--port", "0") as found:
        yield found


@contextmanager
def standing(settings: Path, rows: list[dict[str, Any]], *flags: str) -> Iterator[Field]:
    """The champion behind a router, watched, under a steady load; all is stopped at the end.

    `flags` are those of monitor and detector, such as ports other than the settings'.
    """
    with ExitStack() as stack:
        common = ("-c", settings, "--json", *flags)
        watch = stack.enter_context(started("watch", *common))
        detect = stack.enter_context(started("detect", *common, "--monitor-url", watch["url"]))
        site = Site(settings, watch["url"], detect["url"])
        load = Load(f"{site.stand.url}/v1/models/{site.config.model.name}:predict", rows)
        stack.callback(site.stand.close)
        champion = site.registry.version("champion")
        site.stand.open()
        site.stand.serve(champion)
        site.stand.route({champion.number: 100})
        stack.enter_context(load.running())
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        counted = site.counts.since
        wait(lambda: counted(hour).of(champion.number).n > load.answers[200] - BEHIND, 120)
        yield Field(settings, site, load)


def said(port: int) -> dict[str, Any]:
    """The settings: blocks of a second, wide margins."""
    metrics = [
        {"name": n, "margin": 0.2, "noise": 0.0, "base_rate": 0.01} for n in ("errors", "nulls")
    ]
    refused = {"name": "rejected", "noise": 0.0, "base_rate": 0.01}
    return {
        "model": {"name": "loans", "task": "binary"},
        "data": {"source": "none.csv", "target": "outcome"},
        "monitoring": {
            "detector": {"hand_over_every": "1s", "name": "pod", "ledger": False},
            "monitor": {"judge_every": "1s", "ledger": False},
        },
        "rollout": {
            "block": "1s",
            "steps": [20, 50, 80],
            "warm_up": "0s",
            "min_requests": 60,
            "hold_blocks": 1,
            "patience": 3,
            "max_blocks": 60,
            "largest_imbalance": 0.5,
            "metrics": [*metrics, refused],
        },
        "release": {"port": port},
    }


def merged(known: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Settings with others laid over them, section by section."""
    both = {k: merged(known[k], v) for k, v in more.items() if isinstance(v, dict) and k in known}
    return known | more | both


def register_all(site: Site, built: Built, folder: Path) -> None:
    """Versions 1 to 8 as training would have registered them; the first is champion."""
    tracking, name = site.registry.tracking, site.config.model.name
    tracking.call("create_registered_model", name)
    cache = Workspace.of(site.config).cache
    for number in range(1, VERSIONS + 1):
        sealed = variant(built, folder / f"v{number}", number)
        shutil.copytree(sealed.path, cache / sealed.digest)
        tags = {DIGEST_TAG: sealed.digest}
        tracking.call("create_model_version", name, str(folder / f"v{number}"), tags=tags)
    tracking.call("set_registered_model_alias", name, "champion", "1")


def variant(built: Built, path: Path, number: int) -> Package:
    """The same model, trained on another version of the data as it were."""
    shutil.copytree(built.package.path, path)
    if number == NARROW:
        contract = json.loads((path / "contract.json").read_text())
        for feature in contract["features"]:
            if feature["name"] == "region":
                feature["categories"] = [c for c in feature["categories"] if c != "south"]
        (path / "contract.json").write_text(json.dumps(contract))
    manifest = built.package.manifest
    (path / "package.json").unlink()
    origin = manifest.origin.model_copy(update={"data_version": number})
    changed: dict[str, Any] = {"origin": origin, "files": digest_files(path)}
    if number == HASTY:
        changed["threshold"] = 0.9
    return seal_package(path, manifest.model_copy(update=changed))


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
