"""Models with two outcomes, such as fraud detection."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from timonel.config import Costs
from timonel.performance.packs.curves import Scored, average_precision, roc_auc, top_precision
from timonel.performance.packs.decisions import decision_metrics
from timonel.performance.packs.grids import (
    NO_SCORE,
    SCORE_AT,
    SCORE_CELLS,
    SCORE_WIDTH,
    score_codes,
)
from timonel.performance.packs.losses import (
    BAND_OF_CELL,
    BANDS,
    LOG_LOSS,
    SQUARE_LOSS,
    calibration_error,
    log_loss,
    mean_loss,
    square_loss,
)
from timonel.performance.packs.measures import FIXED, count, fixed, mean, share
from timonel.performance.packs.selection import (
    BLOCKED,
    POSITIVE,
    Selection,
    explored,
    selection_warnings,
)
from timonel.performance.value import Measured, State
from timonel.windows.events import Events
from timonel.windows.pack import Contribution, Field

Counts = NDArray[np.int64]
DAY = 86_400.0
_LOSS = float(1 << 24)
"""Fixed point of losses, which are up to 36: exact to 1e-7."""

_DECIDED = (
    "accuracy",
    "precision",
    "recall",
    "specificity",
    "f1",
    "fbeta",
    "base_rate",
    "cost_per_prediction",
)
_RANKED = ("roc_auc", "pr_auc", "brier", "log_loss", "ece", "precision_at_k", "cp_at_k")


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

    quality: ClassVar[frozenset[str]] = frozenset((*_DECIDED, *_RANKED))

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

    def metrics(self, sums: Mapping[str, Counts], seconds: float) -> dict[str, Measured]:
        """All figures of a window that is `seconds` long."""
        predicted = sums["binary.predicted"].reshape(2, 3)
        confusion = sums["binary.confusion"].reshape(2, 2, 3)
        n, labelled = int(predicted.sum()), int(confusion.sum())
        weight = self.selection.weight(predicted)
        quality = {
            **decision_metrics(*self.selection.usable(confusion), weight, self.costs, self.beta),
            **self._ranked(sums, weight, seconds),
        }
        if labelled and not self.selection.known(predicted, confusion):
            quality = dict.fromkeys(quality, Measured.absent(State.UNDEFINED, labelled))
        decided = predicted[:, 1:]
        return {
            "n_labelled": count(labelled, n),
            "label_share": share(labelled, n),
            "alert_rate": share(decided[:, POSITIVE - 1].sum(), decided.sum()),
            "mean_score": _mean_score(sums),
            **quality,
        }

    def _ranked(
        self, sums: Mapping[str, Counts], weight: NDArray[np.float64], seconds: float
    ) -> dict[str, Measured]:
        cells = sums["binary.labelled"].reshape(-1, 2, SCORE_WIDTH)[:, :, :SCORE_CELLS]
        rows, served = Scored(cells[:, 0], cells[:, 1], weight), sums["binary.scores"][:SCORE_CELLS]
        total = weight @ (sums["binary.losses"].reshape(-1, 2) / _LOSS)
        brier = mean_loss(float(total[0]), SQUARE_LOSS, rows)
        k = self.cases_per_day
        found = (
            roc_auc(rows),
            average_precision(rows),
            brier,
            mean_loss(float(total[1]), LOG_LOSS, rows),
            _ece(sums["binary.gaps"].reshape(-1, BANDS) / FIXED, rows, brier),
            top_precision(rows, served, k),
            top_precision(rows, served, k * seconds / DAY),
        )
        return dict(zip(_RANKED, found, strict=True))

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
    yield Contribution("binary.losses", at, fixed(losses, _LOSS))
    bands = BAND_OF_CELL.take(cells, mode="clip")
    yield Contribution(
        "binary.gaps", np.where(used, group * BANDS + bands, -1), fixed(score - actual)
    )


def _mean_score(sums: Mapping[str, Counts]) -> Measured:
    cells = sums["binary.scores"][:SCORE_CELLS]
    n = int(cells.sum())
    if not n:
        return mean(0.0, 0.0, 0)
    variance = float(cells @ (SCORE_AT - cells @ SCORE_AT / n) ** 2) / max(n - 1, 1)
    return mean(float(sums["binary.score_sum"][0]) / FIXED, variance, n, least=0.0)


def _ece(gaps: NDArray[np.float64], rows: Scored, brier: Measured) -> Measured:
    if not brier.ok:
        return brier
    negative, positive = rows.sums()
    positives = np.bincount(BAND_OF_CELL, positive, BANDS).astype(np.float64)
    everyone = positives + np.bincount(BAND_OF_CELL, negative, BANDS)
    support = rows.total()[1]
    return calibration_error(rows.weight @ gaps, positives, everyone, float(brier), support, rows.n)
