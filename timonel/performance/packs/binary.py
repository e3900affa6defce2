"""Models with two outcomes, such as fraud detection."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from timonel.config import Costs
from timonel.performance.packs.binary_figures import (
    FIGURES,
    LOSS,
    QUALITY,
    BinaryWindow,
    Terms,
)
from timonel.performance.packs.deferred import Deferred, from_table
from timonel.performance.packs.grids import NO_SCORE, SCORE_WIDTH, score_codes
from timonel.performance.packs.losses import BAND_OF_CELL, BANDS, log_loss, square_loss
from timonel.performance.packs.measures import fixed
from timonel.performance.packs.selection import BLOCKED, Selection, explored, selection_warnings
from timonel.windows.events import Events
from timonel.windows.pack import Contribution, Field

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class BinaryPack:
    """Reads the columns predicted (1, 0, -1 none), score (NaN none), actual and perhaps explored."""

    costs: Costs = field(default_factory=Costs)
    beta: float = 2.0
    """Weight of recall in fbeta."""
    cases_per_day: int = 100
    """The k of precision_at_k (in the window) and of cp_at_k (a day)."""
    suppressed: Literal["positive"] | None = None
    """positive: the label of a row predicted positive never comes, unless the row was explored."""
    exploration_rate: float | None = None
    """The share explored of them. Default: as it is in the window."""

    quality: ClassVar[frozenset[str]] = frozenset(QUALITY)

    @cached_property
    def selection(self) -> Selection:
        """Which labels can be used."""
        return Selection(self.suppressed is not None, self.exploration_rate)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Of all predictions the first three, of those with an outcome the others."""
        groups = self.selection.groups
        return (
            Field("binary.predicted", 6),
            Field("binary.scores", SCORE_WIDTH),
            Field("binary.score_sum", 1),
            Field("binary.confusion", 12, judged=True),
            Field("binary.labelled", groups * 2 * SCORE_WIDTH, judged=True),
            Field("binary.losses", groups * 2, judged=True),
            Field("binary.gaps", groups * BANDS, judged=True),
        )

    @property
    def remembers(self) -> tuple[str, ...]:
        """What outcomes are compared with."""
        return ("predicted", "score", *(("explored",) if self.suppressed else ()))

    def served(self, events: Events) -> Iterator[Contribution]:
        """Predictions and scores."""
        columns = events.columns
        predicted = columns["predicted"] + np.int8(1)
        if "explored" in columns:
            predicted = predicted + columns["explored"] * np.int8(3)
        yield Contribution("binary.predicted", predicted)
        score = columns["score"]
        yield Contribution("binary.scores", score_codes(score))
        yield Contribution("binary.score_sum", np.zeros(len(score), np.int8), fixed(score))

    def judged(self, events: Events) -> Iterator[Contribution]:
        """Confusion counts, scores by label, losses and calibration gaps."""
        columns = events.columns
        score, actual = columns["score"], columns["actual"].astype(np.int64)
        place = (columns["predicted"] + 1) + 3 * actual
        if self.suppressed:
            place = place + 6 * explored(columns)
        yield Contribution("binary.confusion", place)
        group = self.selection.group(columns).astype(np.int64)
        used, cells = group != BLOCKED, score_codes(score).astype(np.int64)
        at = np.where(used, (2 * group + actual) * SCORE_WIDTH + cells, -1)
        yield Contribution("binary.labelled", at)
        yield from _losses(score, actual, np.where(cells == NO_SCORE, BLOCKED, group), cells)

    @cached_property
    def _terms(self) -> Terms:
        return Terms(self.selection, self.costs, self.beta, self.cases_per_day)

    def metrics(self, sums: Mapping[str, Counts], seconds: float) -> Deferred:
        """All figures of a window that is `seconds` long."""
        return from_table(FIGURES, BinaryWindow(sums, seconds, self._terms))

    def warnings(self, sums: Mapping[str, Counts]) -> list[str]:
        """What a reader should know about which labels there are."""
        return selection_warnings(
            self.selection,
            sums["binary.predicted"].reshape(2, 3),
            sums["binary.confusion"].reshape(2, 2, 3),
        )


def _losses(
    score: NDArray[np.float64], actual: Counts, group: Counts, cells: Counts
) -> Iterator[Contribution]:
    used = group != BLOCKED
    if not used.all():
        score = np.where(used, score, np.nan)
    losses = np.stack([square_loss(score, actual), log_loss(score, actual)], axis=1)
    at = np.where(used, group * 2, -2)[:, None] + np.arange(2)
    yield Contribution("binary.losses", at, fixed(losses, LOSS))
    bands = BAND_OF_CELL.take(cells, mode="clip")
    yield Contribution(
        "binary.gaps", np.where(used, group * BANDS + bands, -1), fixed(score - actual)
    )
