"""A ledger as a log that is played: `timonel monitor --ledger`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from timonel.cli.monitor_log import usual_step
from timonel.config import load_config
from timonel.durations import parse_duration
from timonel.errors import BadInput
from timonel.fold.job import Selection
from timonel.fold.plan import plan
from timonel.fold.snapshot import Snapshot
from timonel.ledger import Ledger, Place
from timonel.ledger.place import explained
from timonel.ledger.schema import TableName
from timonel.terms import Task

if TYPE_CHECKING:
    from timonel.monitor.config import MonitorConfig

SETTINGS_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class LedgerLog:
    """The predictions of a ledger with their latest labels, by event time."""

    ledger: Ledger
    start: datetime | None
    model: str | None
    lists: bool
    step: timedelta
    rows: int | None

    def parts(self) -> Iterator[pa.RecordBatch]:
        """The rows, a day or less each."""
        return self.ledger.read_log(self.start, model=self.model, lists=self.lists)


def open_ledger(address: str) -> Ledger:
    """The ledger at an address, or the one that a timonel.yaml names."""
    if address.endswith(SETTINGS_ENDINGS):
        address = load_config(Path(address)).ledger
    return Ledger(Place.of(address, os.environ))


def open_ledger_log(
    address: str, since: str | None, model: str | None, settings: "MonitorConfig"
) -> LedgerLog:
    """Find out how much there is, and how long the windows should be.

    Raises BadInput for a ledger without predictions.
    """
    ledger = open_ledger(address)
    with explained(ledger.place, "reading the log"):
        found = Snapshot.of(ledger.place, TableName.PREDICTIONS)
        files = () if found is None else plan(found.files(), settings.max_ahead).files
        newest = None if found is None else found.newest(files)
    if newest is None:
        raise BadInput(
            f"the ledger {ledger.place.uri} holds no predictions",
            fix="check the address, or log some predictions first",
        )
    first = datetime.combine(files[0].day, time(), UTC)
    start = None if since is None else newest - _span(since)
    if start is not None:
        files = tuple(file for file in files if Selection(start=start).has_day(file.day))
        first = max(start, first)
    rows = sum(file.rows for file in files)
    step = max(usual_step(rows, (newest - first).total_seconds()), settings.window)
    told = rows if start is None and model is None else None
    return LedgerLog(ledger, start, model, settings.task is Task.RANKING, step, told)


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadInput(f"--since is {text!r}: {error}", fix="use such as 14d") from None
