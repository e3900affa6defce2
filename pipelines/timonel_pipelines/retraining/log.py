"""What the ledger's log says about the version in service: labels, errors, and rows to diagnose by."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.ledger import Ledger, TableName
from timonel.retraining import Evidence, Labels
from timonel.retraining.loss import LATELY, Calm, Errors, rise, watch_errors


@dataclass(frozen=True)
class Served:
    """The version in service, as its log is read."""

    model: str
    version: str
    classes: tuple[str, ...]
    """As the ledger writes them; of two the positive one is the second."""
    maturity: timedelta
    usual: Errors | None
    run_length: float


@dataclass
class Read:
    """What was found in the log."""

    first: datetime | None = None
    """The first prediction of this version."""
    previous: str | None = None
    """The version that served before it."""
    counts: dict[str, int] = field(default_factory=dict)
    """Matured labels of its predictions, by class."""
    loss: Evidence | None = None

    def labels(self, classes: tuple[str, ...]) -> Labels:
        """Of two classes the positive and the other; of more the rarest and all others."""
        per_class = [self.counts.get(name, 0) for name in classes]
        positives = per_class[1] if len(classes) == 2 else min(per_class, default=0)
        return Labels(positives, sum(per_class) - positives)


def newest(ledger: Ledger) -> datetime | None:
    """The newest moment that the log tells of: a prediction, or the arrival of a label."""
    found: list[datetime] = []
    for table, column in (
        (TableName.PREDICTIONS, "event_time"),
        (TableName.LABELS, "arrival_time"),
    ):
        rows = ledger.rows(table).to_table(columns=[column])
        latest = pc.max(rows[column]).as_py() if rows.num_rows else None
        found += [latest] if latest is not None else []
    return max(found, default=None)


def read(ledger: Ledger, served: Served, now: datetime) -> Read:
    """Go through the log once, in the order of the predictions.

    e-SR sees only predictions older than the labels' maturity whose label has arrived.
    """
    found = Read()
    watch = _Watch(served)
    for batch in ledger.read_log(end=now, model=served.model, as_of=now):
        own = pc.fill_null(pc.equal(batch["version"], served.version), False)
        if found.first is None:
            _before(found, batch, own)
        mine = batch.filter(own)
        if found.first is None and mine.num_rows:
            found.first = mine["event_time"][0].as_py()
        mature = pc.less_equal(
            mine["event_time"], pa.scalar(now - served.maturity, mine["event_time"].type)
        )
        told = mine.filter(pc.and_(mature, mine["label"].is_valid()))
        _count(found, told)
        watch.see(told)
    found.loss = watch.alarm
    return found


def rows(ledger: Ledger, model: str, start: datetime, end: datetime, as_of: datetime) -> pa.Table:
    """The log of a span of time, with the labels that had arrived by `as_of`."""
    batches = [*ledger.read_log(start, end, model=model, as_of=as_of)]
    # days before a feature came lack its column
    return (
        pa.concat_tables(map(_table, batches), promote_options="default") if batches else _empty()
    )


def _table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


def _empty() -> pa.Table:
    return pa.table({"event_time": pa.array([], pa.timestamp("us", "UTC"))})


def _before(found: Read, batch: pa.RecordBatch, own: pa.BooleanArray) -> None:
    """What served last before the version's first prediction: later ones may be of its successor."""
    begins = pc.index(own, True).as_py()
    others = batch["version"].slice(0, begins if begins >= 0 else None)
    named = [v for v in others.to_pylist() if v is not None]
    found.previous = named[-1] if named else found.previous


def _count(found: Read, told: pa.RecordBatch) -> None:
    for entry in pc.value_counts(told["label"]).to_pylist():
        found.counts[entry["values"]] = found.counts.get(entry["values"], 0) + entry["counts"]


class _Watch:
    """e-SR over the errors. An alarm stands until they are as usual again: what was mended, or passed by
    itself, asks for nothing any more.
    """

    def __init__(self, served: Served) -> None:
        self.served = served
        self._arm()

    def _arm(self) -> None:
        self.detector = watch_errors(self.served.usual, self.served.run_length)
        self.lately: deque[bool] = deque(maxlen=LATELY)
        self.times: deque[datetime] = deque(maxlen=LATELY)
        self.alarm: Evidence | None = None
        self.calm: Calm | None = None

    def see(self, told: pa.RecordBatch) -> None:
        """Take matured predictions in their order."""
        for wrong, at in _errors(told):
            if self.calm is None:
                self._listen(wrong, at)
            elif self.calm.see(wrong):
                self._arm()

    def _listen(self, wrong: bool, at: datetime) -> None:
        self.lately.append(wrong)
        self.times.append(at)
        self.detector.update(wrong)
        if self.detector.drift_detected:
            usual = self.detector.baseline or 0.0
            found, self.calm = rise(self.lately, usual), Calm(usual)
            self.alarm = Evidence(str(found), self.times[-found.n])


def _errors(told: pa.RecordBatch) -> Iterator[tuple[bool, datetime]]:
    known = told.filter(told["prediction"].is_valid())
    wrong = np.asarray(pc.not_equal(known["prediction"], known["label"]))
    return zip(wrong.tolist(), known["event_time"].to_pylist(), strict=True)
