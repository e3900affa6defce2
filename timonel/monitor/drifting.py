"""Drift window by window: with a plain reference at first, with seasons once four weeks are known."""

from collections.abc import Mapping
from typing import Any

from timonel.drift.scan import Episode, Scan
from timonel.monitor.feature_windows import FeatureWindows
from timonel.windows.layout import DAY

SEASONED = 28 * DAY
"""History from which the scan learns the seasons of traffic, and thresholds that keep its budget."""
WIDENED = tuple(days * DAY for days in (1, 2, 3, 4, 5, 6, 7, 10, 14, 21))
"""Before that: when it learns how much healthy traffic moves."""
HEADROOM = 2.0
"""Traffic moves further than a short history has shown: so many times as far is healthy, too."""


class DriftWatch:
    """Scans the windows of the features as they are over.

    On the first day only what is worth a page is told. Windows within the first stretch of a learnt
    reference are not judged at all: they are the reference.
    """

    def __init__(self, features: FeatureWindows, budget: float) -> None:
        self.features, self._budget = features, budget
        self._weights = dict(features.reference.weights) or None
        self._begun: int | None = None
        self._lessons = [*WIDENED, SEASONED]
        self.scan = Scan.plain(features.counts, features.bins, self._weights)
        self.scan.tell_pages_alone()

    def update(self, start: int, end: int) -> list[Episode]:
        """Judge the windows that begin in [start, end), all of them over."""
        self._begun = start if self._begun is None else self._begun
        told: list[Episode] = []
        while start < end:
            lesson = self._begun + self._lessons[0] if self._lessons else end
            until = min(max(lesson, start), end)
            if not self._in_first_stretch:
                told += self.scan.catch_up(self.features.history(start, until))
            if self._lessons and until >= lesson:  # beyond it where time has leapt
                self._learn(until)
            start = until
        return told

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values of all that was learnt and is open; `resume` reads them."""
        return {"begun": self._begun, "lessons": self._lessons, "scan": self.scan.to_dict()}

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on as if the watch that was saved had not stopped."""
        self._begun, self._lessons = saved["begun"], list(saved["lessons"])
        self.scan = Scan.from_dict(saved["scan"])

    @property
    def _in_first_stretch(self) -> bool:
        return self.features.reference.learnt and self._lessons[:1] == [WIDENED[0]]

    def _learn(self, until: int) -> None:
        """From healthy windows alone, and never again after four weeks: what follows drift absorbs it."""
        history = self.features.history(until - self._lessons.pop(0), until)
        if not len(history.time):
            return
        if self._lessons:
            self.scan.widen(history, HEADROOM)
        elif not self.scan.open:
            self.scan = Scan.fit(history, self._weights, self._budget)
