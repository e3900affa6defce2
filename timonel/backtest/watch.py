"""What is noticed while a model serves: inputs unlike those it learnt from, errors above its usual rate."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.backtest.periods import Period
from timonel.config import Retraining
from timonel.drift import DriftReport, SortedReference, two_sample
from timonel.drift.concept import ESR
from timonel.retraining.loss import LATELY, Errors, rise, watch_errors

REFERENCE_ROWS = 20_000
"""Rows of the training that periods are compared with, evenly chosen: more would tell little more."""
NAMED = 5

Losses = NDArray[np.bool_]


@dataclass(frozen=True)
class Alarm:
    """Something that was noticed in a period."""

    time: datetime
    """The end of the period in which it was noticed."""
    kind: Literal["input drift", "error rate"]
    since: datetime
    """The start of the first period of an unbroken row of such alarms."""
    columns: tuple[str, ...]
    """Of input drift: the columns that drifted, the surest first."""
    what: str
    """One sentence with the numbers."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "time": self.time.isoformat(),
            "kind": self.kind,
            "since": self.since.isoformat(),
            "columns": list(self.columns),
            "what": self.what,
        }


@dataclass
class Watch:
    """Watches one model after another.

    Inputs: `two_sample` of each period against the rows that the model learnt from. Errors: `ESR` on the
    errors of its predictions, in the order of the predictions, as their labels arrive. What is usual is
    what it erred on rows that it was not fitted to; of a model without such rows its first 1,000 teach
    it, so one that is replaced before then raises no such alarm.
    """

    features: Sequence[str]
    categorical: Iterable[str] = ()
    family_alpha: float = 0.05
    """The chance of a false alarm on the inputs of a period."""
    run_length: float = Retraining().run_length
    """Predictions between two false alarms on the errors, on average at least."""
    _reference: SortedReference | None = field(default=None, init=False)
    _errors: ESR = field(init=False)
    _lately: deque[bool] = field(default_factory=partial(deque, maxlen=LATELY), init=False)
    _since: dict[str, datetime] = field(default_factory=dict, init=False)

    def restart(self, learnt: pa.Table, usual: Errors | None) -> None:
        """Watch a new model that has learnt from these rows, and erred so on those it was not fitted to."""
        step = -(-learnt.num_rows // REFERENCE_ROWS)
        rows = learnt.select(self.features).take(pa.array(range(0, learnt.num_rows, step)))
        codes = [name for name in self.categorical if name in self.features]
        self._reference = SortedReference.fit(rows, codes) if self.features else None
        self._errors = watch_errors(usual, self.run_length)
        self._since.clear()
        self._lately.clear()

    def look(self, period: Period, rows: pa.Table, errors: Losses) -> tuple[Alarm, ...]:
        """The alarms of a period with these rows, in which these errors of the model became known."""
        return (*self._inputs(period, rows), *self._losses(period, errors))

    def _inputs(self, period: Period, rows: pa.Table) -> tuple[Alarm, ...]:
        if self._reference is None or not rows.num_rows:
            return ()
        report = two_sample(self._reference, rows.select(self.features), self.family_alpha)
        if not report.alarm:
            self._since.pop("input drift", None)
            return ()
        since = self._since.setdefault("input drift", period.start)
        columns = tuple(feature.name for feature in report.drifted)
        return (Alarm(period.end, "input drift", since, columns, _drift(report, columns)),)

    def _losses(self, period: Period, errors: Losses) -> tuple[Alarm, ...]:
        said = [self._risen() for error in errors.tolist() if self._alarmed(error)]
        if not said:
            self._since.pop("error rate", None)
            return ()
        since = self._since.setdefault("error rate", period.start)
        return (Alarm(period.end, "error rate", since, (), said[0]),)

    def _alarmed(self, error: bool) -> bool:
        self._lately.append(error)
        self._errors.update(error)
        return self._errors.drift_detected

    def _risen(self) -> str:
        return str(rise(self._lately, self._errors.baseline or 0))


def _drift(report: DriftReport, columns: tuple[str, ...]) -> str:
    named = ", ".join(columns[:NAMED]) + (", ..." if len(columns) > NAMED else "")
    return (
        f"{len(columns)} of {len(report.features)} columns differ from the training rows"
        f" (n={report.rows_current:,}): {named}"
    )
