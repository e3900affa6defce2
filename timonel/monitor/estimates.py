"""Performance without labels, from the windows of a binary model's scores, and how labels bear it out."""

from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.errors import BadInput
from timonel.monitor.figures import reference_events
from timonel.monitor.model import WatchedModel
from timonel.performance.binned import ESTIMATED, BinnedCBPE, ScoreCounts
from timonel.performance.packs.binary import BinaryPack
from timonel.performance.packs.deferred import Layers, together
from timonel.performance.packs.grids import SCORE_CELLS, SCORE_WIDTH, SCORE_WITHIN
from timonel.performance.packs.selection import NEGATIVE, POSITIVE
from timonel.performance.value import Measured, State
from timonel.reference import Reference

Counts = NDArray[np.int64]

COVERED = 0.99
"""Share of the labelled rows that must have a score and a prediction both, for a gap to be told."""


_ESTIMATES = {f"estimated_{name}": None for name in ESTIMATED}
_GAPS = {f"{name}_gap": None for name in ESTIMATED}


class Estimates:
    """The estimator of one reference, and which days of labels it was checked on.

    A reference's estimates are trusted until the labels of a day contradict them, by the rule of
    `BinnedCBPE.check`; from then on every estimate says so, until there is another reference.
    """

    def __init__(self, estimator: BinnedCBPE, pack: BinaryPack) -> None:
        self._estimator, self._pack = estimator, pack
        self.checked: set[int] = set()
        """The starts of the days whose labels were compared."""

    @classmethod
    def of(cls, reference: Reference, model: WatchedModel) -> "Estimates | None":
        """None: the task is not binary, or the reference has too few rows with a label and a score."""
        pack = next((pack for pack in model.packs if isinstance(pack, BinaryPack)), None)
        events = None if pack is None else reference_events(reference, model)
        if pack is None or events is None:
            return None
        label = np.where(events.labelled, events.columns["actual"], np.nan)
        try:
            return cls(BinnedCBPE(label, events.columns["score"], SCORE_WITHIN), pack)
        except BadInput:  # too small to calibrate on
            return None

    def to_dict(self) -> dict[str, Any]:
        """Which days were checked and what that found, as plain JSON values; `resume` reads them."""
        return {"checked": sorted(self.checked)} | self._estimator.to_dict()

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on with these findings; for estimates of the same reference."""
        self.checked = set(saved["checked"])
        self._estimator.resume(saved)

    def figures(
        self, counters: Mapping[str, Counts], realised: Mapping[str, Measured]
    ) -> Mapping[str, Measured]:
        """Estimates over all rows of a window, and the gaps to what is realised: computed when read.

        They have the trust of this moment, whatever is checked until then.
        """
        now = Estimates(copy(self._estimator), self._pack)
        gaps = () if self._pack.suppressed else _GAPS
        return Layers(
            together(_ESTIMATES, lambda: now._values(counters)),
            together(dict.fromkeys(gaps), lambda: now.gaps(counters, realised)),
        )

    def _values(self, served: Mapping[str, Counts]) -> dict[str, Measured]:
        decided = served["binary.predicted"].reshape(2, 3).sum(axis=0)
        found = self._estimator.estimate(_rows(served["binary.scores"], decided))
        return {f"estimated_{name}": value for name, value in found.items()}

    def gaps(
        self, judged: Mapping[str, Counts], realised: Mapping[str, Measured]
    ) -> dict[str, Measured]:
        """Realised less estimated quality of the labelled rows of a window, as `<metric>_gap`.

        Empty where labels are suppressed: what is labelled then says little of what is served.
        """
        if self._pack.suppressed:
            return {}
        rows = _labelled_rows(judged)
        if rows is None:
            n = next(iter(realised.values())).n
            return dict.fromkeys(_GAPS, Measured.absent(State.UNDEFINED, n))
        found = self._estimator.gaps(rows, realised)
        return {f"{name}_gap": gap for name, gap in found.items()}

    def check(self, start: int, day: Mapping[str, Counts]) -> None:
        """Compare with the labels of the day that began at `start`, once."""
        rows = _labelled_rows(day)
        if start in self.checked or self._pack.suppressed or rows is None or not rows.n:
            return
        self.checked.add(start)
        self._estimator.check(rows, self._pack.metrics(day, 86_400.0))


def _labelled_rows(judged: Mapping[str, Counts]) -> ScoreCounts | None:
    """The rows with a label; None: too many of them lack a score or a prediction."""
    decided = judged["binary.confusion"].reshape(4, 3).sum(axis=0)
    rows = _rows(judged["binary.labelled"].reshape(-1, SCORE_WIDTH).sum(axis=0), decided)
    whole = int(decided[NEGATIVE] + decided[POSITIVE])
    few, many = sorted((rows.n, whole))
    return rows if few >= COVERED * many else None


def _rows(scores: Counts, decided: Counts) -> ScoreCounts:
    """Rows by cell; where some have no score, as large a share of the others is positive."""
    cells = scores[:SCORE_CELLS]
    n, whole = int(cells.sum()), int(decided[NEGATIVE] + decided[POSITIVE])
    positives = round(int(decided[POSITIVE]) * n / whole) if whole else 0
    return ScoreCounts(cells, positives, max(whole - n, 0))
