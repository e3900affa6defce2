"""What a backtest asks of learning, and the models that it trained."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.backtest.history import History
from timonel.backtest.periods import Period
from timonel.retraining.loss import Errors

Scores = NDArray[np.floating[Any]]


class Scorer(Protocol):
    """A trained model."""

    @property
    def threshold(self) -> float | None:
        """Score from which a row of two classes counts as positive; None: the likeliest class."""
        ...

    @property
    def held_out(self) -> int:
        """How many of the newest rows that it was given it was not fitted to; 0: none."""
        ...

    def score(self, table: pa.Table) -> Scores:
        """The probability of each class of the history, (n, classes)."""
        ...


class Trainer(Protocol):
    """Trains a model."""

    def fit(self, table: pa.Table) -> Scorer:
        """Learn from labelled rows in the order of time; raises BadInput where they teach nothing."""
        ...


@dataclass(frozen=True, eq=False)
class Model:
    """A scorer, with when it was trained and on which rows of the history."""

    trained: datetime
    rows: slice
    scorer: Scorer

    @property
    def n(self) -> int:
        """How many rows it learnt from."""
        return int(self.rows.stop - self.rows.start)


@dataclass(frozen=True)
class Scored:
    """A period's predictions by one model."""

    score: Scores
    """(n, classes)"""
    predicted: NDArray[np.intp]


@dataclass(frozen=True)
class Workshop:
    """Trains and scores; what two policies both ask for is done once."""

    history: History
    trainer: Trainer
    window: timedelta | None = None
    """Learn from rows of this long a stretch only. None: from all that have a label."""
    most_rows: int | None = None
    """Learn from so many rows at most, the newest."""
    _models: dict[datetime, Model] = field(default_factory=dict)
    _scored: dict[tuple[datetime, datetime], Scored] = field(default_factory=dict)

    def rows_at(self, when: datetime) -> slice:
        """The rows that a training at this time may learn from: no label that arrives later."""
        stop = self.history.known_by(when)
        start = 0 if self.window is None else min(stop, self.history.since(when - self.window))
        return slice(start if self.most_rows is None else max(start, stop - self.most_rows), stop)

    def model(self, when: datetime) -> Model:
        """The model that a training at this time gives."""
        if when not in self._models:
            rows = self.rows_at(when)
            table = self.history.table.slice(rows.start, rows.stop - rows.start)
            self._models[when] = Model(when, rows, self.trainer.fit(table))
        return self._models[when]

    def predict(self, model: Model, period: Period) -> Scored:
        """The model's predictions of a period."""
        key = (model.trained, period.start)
        if key not in self._scored:
            self._scored[key] = self._predict(model.scorer, period.rows)
        return self._scored[key]

    def usual(self, model: Model) -> Errors | None:
        """The model's errors on the rows that it was given and not fitted to; None: there are none."""
        rows = slice(
            max(model.rows.start, model.rows.stop - model.scorer.held_out), model.rows.stop
        )
        if rows.start >= rows.stop:
            return None
        wrong = self._predict(model.scorer, rows).predicted != self.history.label[rows]
        return Errors(int(wrong.sum()), len(wrong))

    def _predict(self, scorer: Scorer, rows: slice) -> Scored:
        k, n = len(self.history.classes), rows.stop - rows.start
        if not n:
            return Scored(np.empty((0, k)), np.empty(0, dtype=np.intp))
        score = scorer.score(self.history.table.slice(rows.start, n))
        if k == 2 and scorer.threshold is not None:
            return Scored(score, (score[:, 1] >= scorer.threshold).astype(np.intp))
        return Scored(score, score.argmax(axis=1))
