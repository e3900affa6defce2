"""Where `timonel monitor` takes its predictions from: a file, a ledger, or a state folded of one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from timonel.cli.console import Advance
from timonel.cli.ledger_source import open_ledger_log
from timonel.cli.monitor_log import open_log
from timonel.diagnosis.record import KIND, Told, newest
from timonel.diagnosis.words import ACTIONS, verdict
from timonel.errors import BadInput
from timonel.ledger import Ledger
from timonel.monitor.config import MonitorConfig
from timonel.monitor.monitor import ModelMonitor
from timonel.monitor.parcel import Parcel
from timonel.monitor.report.diagnosed import diagnosed
from timonel.monitor.report.markup import Markup


@dataclass(frozen=True)
class Source:
    """Predictions to be watched."""

    name: str
    rows: int | None
    """None: not counted beforehand."""
    step: timedelta
    """The length of windows that suits them."""
    settings: MonitorConfig
    play: Callable[[ModelMonitor, Advance], None]
    """Have them counted and judged."""
    told: Told | None = None
    """The ledger's newest diagnosis."""

    @property
    def diagnosis(self) -> str:
        """What it says, and what to do; empty where there is none."""
        if self.told is None:
            return ""
        found = self.told.diagnosis
        return f"{verdict(found)} To do: {ACTIONS[found.action]} (record {self.told.record.seq})"

    @property
    def card(self) -> Markup | None:
        """The same for the report."""
        return None if self.told is None else diagnosed(self.told.diagnosis, self.told.record.seq)


def open_source(
    log: Path | None,
    ledger: str | None,
    state: Path | None,
    settings: MonitorConfig,
    *,
    since: str | None,
    model: str | None,
) -> Source:
    """The one of the three that is given; raises BadInput unless it is exactly one."""
    if sum(one is not None for one in (log, ledger, state)) != 1:
        raise BadInput(
            "expected one of a log, --ledger and --state",
            fix="name a file, or give --ledger or --state",
        )
    if ledger is None and (since is not None or model is not None):
        raise BadInput(
            "--since and --model choose rows of a ledger", fix="give --ledger, or neither"
        )
    if ledger is not None:
        settings = settings.model_copy(update={"columns": {}})  # a ledger's have names of its own
        rows = open_ledger_log(ledger, since, model, settings)
        return Source(
            rows.ledger.place.uri,
            rows.rows,
            rows.step,
            settings,
            _playing(rows.parts),
            _diagnosed(rows.ledger, model),
        )
    if log is not None:
        played = open_log(log, settings)
        return Source(str(log), played.rows, played.step, settings, _playing(played.parts))
    assert state is not None
    parcel = read_state(state)
    return Source(str(state), parcel.rows, settings.window, settings, _merging(parcel))


def _diagnosed(ledger: Ledger, model: str | None) -> Told | None:
    """The newest; of a ledger with several models only that of the one asked for."""
    records = ledger.decisions()
    names = {one.model for one in records if one.kind == KIND and one.model}
    name = model or (names.pop() if len(names) == 1 else None)
    return newest(records, name) if name else None


def read_state(path: Path) -> Parcel:
    """What `timonel ledger fold --out` wrote; BadInput for no file, Corrupt for another one."""
    try:
        return Parcel.from_bytes(path.read_bytes())
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be read: {error.strerror}", fix="write it by timonel ledger fold --out"
        ) from None


def _playing(parts: Callable[[], Iterator[Any]]) -> Callable[[ModelMonitor, Advance], None]:
    def play(watched: ModelMonitor, advance: Advance) -> None:
        for part in parts():
            watched.track_batch(part)
            watched.detect_anomalies()
            advance(part.num_rows)

    return play


def _merging(parcel: Parcel) -> Callable[[ModelMonitor, Advance], None]:
    def play(watched: ModelMonitor, advance: Advance) -> None:
        watched.merge(parcel)
        advance(parcel.rows)

    return play
