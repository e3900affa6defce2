"""A monitor that judges a canary, with a clock of the test's own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from timonel import ModelMonitor, MonitorConfig
from timonel.config import parse_config
from timonel.ledger import Decision, Ledger
from timonel.ledger import Place as LedgerPlace
from timonel_serving.monitor.disk.records import Record, table_bytes
from timonel_serving.monitor.models.watched import Place, Watched
from timonel_serving.monitor.rollouts.state import Hosted
from timonel_serving.monitor.rollouts.story import of_hosted

START = 1_763_078_400.0
"""14 November 2025, 00:00 UTC."""
SETTINGS = """
model: {name: NAME, task: binary}
data: {source: none.csv, target: fraud}
monitoring: {monitor: {ledger: false}}
rollout: {block: 1min, warm_up: 0s, steps: [20, 50], hold_blocks: 2, min_requests: 200, patience: 3,
  error_margin: 0.03, latency_margin: 0.05, max_blocks: 60}
"""


def table(
    at: float, n: int, version: str | None, *, errors: int = 0, named: str = "", seed: int = 0
) -> pa.Table:
    """n predictions of a version in the minute before a time, the first of them failed."""
    rng = np.random.default_rng(seed)
    micros = ((at - 60 + np.arange(n) * 60 / max(n, 1)) * 1e6).astype(np.int64)
    return pa.table(
        {
            "prediction_id": [f"{named}{version}-{at:.0f}-{i}" for i in range(n)],
            "timestamp": pa.array(micros).cast(pa.timestamp("us", "UTC")),
            "prediction": np.arange(n) % 2,
            "version": pa.array([version] * n, pa.string()),
            "status": ["error" if i < errors else "ok" for i in range(n)],
            "latency_ms": rng.gamma(4, 8, n),
        }
    )


@dataclass
class Bench:
    """A watched model and the clock that it reads."""

    folder: Path
    name: str = "fraud"
    settings: str = SETTINGS
    now: float = START
    ledger: Ledger | None = None

    def __post_init__(self) -> None:
        self.marks: dict[str, int] = {}
        self.watched = self._opened()

    def _opened(self) -> Watched:
        config = parse_config(self.settings.replace("NAME", self.name))
        monitor = ModelMonitor(config=MonitorConfig.of(config))
        ledger = self.ledger
        place = Place(self.folder, None if ledger is None else lambda: ledger)
        return Watched(self.name, config, monitor, place, lambda: self.now)

    def again(self, settings: str | None = None) -> None:
        """The monitor was killed and started again: nothing is written at its end."""
        self.settings = settings or self.settings
        self.watched.store.close()
        self.watched = self._opened()

    def heard(self, detector: str = "pod-1", *tables: pa.Table) -> None:
        """A detector delivers."""
        for one in tables:
            mark = self.marks[detector] = self.marks.get(detector, 0) + 1
            self.watched.receive(Record("rows", table_bytes(one), detector, mark, self.now))
        self.watched.receive(Record("rows", b"", detector, 0, self.now))

    def minute(
        self, stable: int = 400, canary: int = 100, *, bad: tuple[int, int] = (4, 1), **more: Any
    ) -> Hosted:
        """A minute of requests to versions 6 and 7, delivered, and a turn of the judge."""
        self.now += 60
        arms = ((stable, "6", bad[0]), (canary, "7", bad[1]))
        seed = int(self.now) % 2**31
        self.heard(
            "pod-1", *(table(self.now, n, v, errors=e, seed=seed, **more) for n, v, e in arms if n)
        )
        return self.turn()

    def turn(self) -> Hosted:
        """The judge looks."""
        self.watched.rollouts.turn()
        return self.watched.rollouts.all[0]

    @property
    def at(self) -> datetime:
        """The clock as a time."""
        return datetime.fromtimestamp(self.now, UTC)


def recorded_rollout(folder: Path, name: str, judged: "Bench") -> "Bench":
    """A model whose rollout a driver recorded in the ledger: the evidence is that of another one."""
    ledger = Ledger(LedgerPlace.of(str(folder / "ledger"), {}))
    one = judged.watched.rollouts.all[0]
    story, versions = of_hosted(one), ({"number": "6"}, {"number": "7", "digest": "4f" * 32})
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("claimed", "rollout of version 7 asks for its turn", {}),
        (
            "started",
            "version 7 beside version 6, 20 % of the requests",
            {"champion": versions[0], "challenger": versions[1], "weight": 20},
        ),
        ("held", "the rollout goes on", {}),
        ("weight", "50 % of the requests after 3 blocks", {"weight": 50}),
        (
            "judged",
            f"promote after {one.decision['blocks']} blocks: {'; '.join(one.reasons)}",
            {"decision": one.decision, "course": story.course, "challenger_digest": "4f" * 32},
        ),
        ("promoting", "champion becomes version 7, was 6", {"challenger_digest": "4f" * 32}),
        ("ended", "promoted: champion is now version 7", {"verdict": "promote", "reasons": []}),
    ]
    at = datetime.fromtimestamp(START, UTC)
    ledger.decide(Decision(time=at, kind="training", model=name, version="7", summary="trained"))
    for i, (step, said, more) in enumerate(steps):
        details = {"rollout": "20251114T001000-7", "step": step, "lease_seconds": 600.0} | more
        ledger.decide(
            Decision(
                time=at + timedelta(minutes=10 + i),
                kind="rollout",
                model=name,
                version="7",
                summary=said,
                details=details,
            )
        )
    return Bench(folder / name, name=name, ledger=ledger)
