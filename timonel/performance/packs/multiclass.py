"""Models with several classes, of tables or of text."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from timonel.performance.intervals import LEAST_SUPPORT, wilson
from timonel.performance.packs.deferred import Deferred, from_table
from timonel.performance.packs.measures import count, mean_of, moments, share
from timonel.performance.value import Measured, State
from timonel.windows.events import Array, Events
from timonel.windows.pack import Contribution, Field

Counts = NDArray[np.int64]

MOST = 50
"""Up to as many classes have a confusion matrix; of more only the margins and the hits are counted."""
_ENTROPY = float(1 << 26)


@dataclass(frozen=True)
class MulticlassPack:
    """Reads the columns predicted, score (of the predicted class), perhaps entropy, and actual.

    Classes are codes from 0; K, their number, stands for any other class, -1 for none. Two that are both
    "any other" are not taken to agree.
    """

    classes: tuple[str, ...]
    low_confidence: float = 0.5
    """A prediction whose confidence is below is of low confidence."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """Of all predictions the first four, of those with an outcome the last."""
        judged = self._codes * (self._codes if self._full else 3)
        return (
            Field("multiclass.predicted", self._codes),
            Field("multiclass.confidence", 3),
            Field("multiclass.low", 2),
            Field("multiclass.entropy", 3),
            Field("multiclass.judged", judged, judged=True),
        )

    remembers = ("predicted",)
    quality: ClassVar[frozenset[str]] = frozenset({"accuracy", "macro_f1", "recall", "precision"})

    @property
    def _codes(self) -> int:
        return len(self.classes) + 2  # any other, none

    @property
    def _full(self) -> bool:
        return len(self.classes) <= MOST

    def served(self, events: Events) -> Iterator[Contribution]:
        """Classes, confidence and entropy."""
        columns = events.columns
        yield Contribution("multiclass.predicted", self._code(columns["predicted"]))
        score = columns["score"]
        yield Contribution("multiclass.confidence", *moments(score))
        low = np.where(np.isnan(score), -1, score < self.low_confidence)
        yield Contribution("multiclass.low", low.astype(np.int8))
        if "entropy" in columns:
            yield Contribution("multiclass.entropy", *moments(columns["entropy"], _ENTROPY))

    def judged(self, events: Events) -> Iterator[Contribution]:
        """The confusion matrix, or its margins and diagonal."""
        predicted = self._code(events.columns["predicted"])
        actual = self._code(events.columns["actual"])
        n = self._codes
        if self._full:
            yield Contribution("multiclass.judged", actual * n + predicted)
            return
        decided = predicted < n - 1
        hit = np.where(actual == predicted, predicted, -1)
        at = [np.where(decided, actual, n - 1), n + predicted, np.where(hit < 0, -1, 2 * n + hit)]
        yield Contribution("multiclass.judged", np.stack(at, axis=1))

    def _code(self, column: Array) -> NDArray[np.int64]:
        return np.where(column < 0, self._codes - 1, column).astype(np.int64)

    def confusion(self, sums: Mapping[str, Counts]) -> Counts | None:
        """Rows by actual and predicted class, (K + 1, K + 1), any other class last; None beyond MOST."""
        if not self._full:
            return None
        return sums["multiclass.judged"].reshape(self._codes, self._codes)[:-1, :-1]

    @cached_property
    def _figures(self) -> Mapping[str, "Figure"]:
        shares = {
            f"class_share[{name}]": partial(_Window.class_share, code=i)
            for i, name in enumerate(self.classes)
        }
        quality = {
            f"{name}[{of}]": partial(figure, code=i)
            for i, of in enumerate(self.classes)
            for name, figure in (("recall", _Window.recall), ("precision", _Window.precision))
        }
        return {**_OF_ALL, **shares, **_OF_OUTCOMES, **quality}

    def metrics(self, sums: Mapping[str, Counts], seconds: float) -> Deferred:
        """All figures of a window."""
        return from_table(self._figures, _Window(self, sums))

    def labelled(self, sums: Mapping[str, Counts]) -> int:
        """Rows with an outcome."""
        cells = sums["multiclass.judged"]
        return int(cells.sum() if self._full else cells[: self._codes].sum())

    def margins(self, sums: Mapping[str, Counts]) -> "Margins":
        """Rows with an outcome and a prediction, by class."""
        confusion = self.confusion(sums)
        if confusion is None:
            actual, predicted, hits = sums["multiclass.judged"].reshape(3, self._codes)[:, :-1]
        else:
            actual, predicted, hits = confusion.sum(1), confusion.sum(0), confusion.diagonal()
        hits = np.append(hits[:-1], 0)
        return Margins(actual, predicted, hits)

    def warnings(self, sums: Mapping[str, Counts]) -> list[str]:
        """Classes that the model does not have."""
        k = len(self.classes)
        found = (
            (int(sums["multiclass.predicted"][k]), "predictions"),
            (int(self.margins(sums).actual[k]), "labels"),
        )
        return [f"{n:,} {what} are none of the model's {k} classes" for n, what in found if n]


@dataclass(frozen=True, eq=False)
class Margins:
    """Labelled rows that have a prediction, by class; any other class last."""

    actual: Counts
    predicted: Counts
    hits: Counts

    @cached_property
    def n(self) -> int:
        """Rows."""
        return int(self.actual.sum())


@dataclass(frozen=True, eq=False)
class _Window:
    """The counters of a window; what several figures need is worked out once."""

    pack: MulticlassPack
    sums: Mapping[str, Counts]

    @cached_property
    def predicted(self) -> list[int]:
        """Predictions by class, any other and none last."""
        found: list[int] = self.sums["multiclass.predicted"].tolist()
        return found

    @cached_property
    def labelled(self) -> int:
        """Rows with an outcome."""
        return self.pack.labelled(self.sums)

    @cached_property
    def margins(self) -> Margins:
        """Rows with an outcome and a prediction, by class."""
        return self.pack.margins(self.sums)

    def low_confidence(self) -> Measured:
        """The share of the predictions of low confidence."""
        low = self.sums["multiclass.low"]
        return share(low[1], low.sum())

    def class_share(self, code: int) -> Measured:
        """The share of a class among the predictions."""
        return share(self.predicted[code], sum(self.predicted[:-1]))

    def recall(self, code: int) -> Measured:
        """The share of the rows of a class that are found."""
        return share(self.margins.hits[code], self.margins.actual[code], self.margins.n)

    def precision(self, code: int) -> Measured:
        """The share of a class's predictions that are right."""
        return share(self.margins.hits[code], self.margins.predicted[code], self.margins.n)


Figure = Callable[[_Window], Measured]

_OF_ALL: Mapping[str, Figure] = {
    "n_labelled": lambda window: count(window.labelled, sum(window.predicted)),
    "label_share": lambda window: share(window.labelled, sum(window.predicted)),
    "mean_confidence": lambda window: mean_of(window.sums["multiclass.confidence"]),
    "low_confidence_share": _Window.low_confidence,
    "mean_entropy": lambda window: mean_of(window.sums["multiclass.entropy"], _ENTROPY),
}
_OF_OUTCOMES: Mapping[str, Figure] = {
    "accuracy": lambda window: share(window.margins.hits.sum(), window.margins.n),
    "macro_f1": lambda window: macro_f1(window.margins, window.pack.confusion(window.sums)),
}


def macro_f1(margins: Margins, confusion: Counts | None) -> Measured:
    """The mean F1 over the classes that occur, as labels or predictions, as scikit-learn has it.

    The interval is by the delta method; without the confusion matrix its variance is an upper bound.
    """
    n = margins.n
    if not n:
        return Measured.absent(State.NO_DATA)
    if n < LEAST_SUPPORT:
        return Measured.absent(State.TOO_FEW, n)
    size = margins.actual + margins.predicted
    used = size > 0
    size, hits = size[used], margins.hits[used]
    f1 = 2 * hits / size
    gain, loss = 2 * (1 - f1) / size, -f1 / size
    wrong = size - 2 * hits
    if confusion is None:
        squares = float(hits @ gain**2 + 2 * wrong @ loss**2)
    else:
        squares = _squares(confusion[np.ix_(used, used)], hits, gain, loss)
    value = float(f1.mean())
    lower, upper = wilson(value, squares / len(f1) ** 2, n)
    return Measured(value, lower, upper, n)


def _squares(confusion: Counts, hits: Counts, gain: Any, loss: Any) -> float:
    missed = confusion.copy()
    np.fill_diagonal(missed, confusion.diagonal() - hits)
    return float(hits @ gain**2 + (missed * (loss[:, None] + loss[None, :]) ** 2).sum())
