"""Drift window by window: with the plain reference at first, with seasons once four weeks are known."""

import numpy as np

from timonel.drift.scan import Episode, Scan, Window
from timonel.monitor.feature_windows import STEP, FeatureWindows
from timonel.windows.layout import DAY

SEASONED = 28 * DAY
"""History from which the scan learns the seasons of traffic, and thresholds that keep its budget."""


class DriftWatch:
    """Scans the windows of the features as they are over."""

    def __init__(self, features: FeatureWindows, budget: float) -> None:
        self.features, self._budget = features, budget
        self._begun: int | None = None
        self.seasoned = False
        weights = dict(features.reference.weights) or None
        self.scan = Scan.plain(features.counts.astype(np.int32), features.bins, weights)

    def update(self, start: int) -> list[Episode]:
        """Judge the window that starts at `start`."""
        self._begun = start if self._begun is None else self._begun
        told = self.scan.update(self._window(start))
        if not self.seasoned and start + STEP - self._begun >= SEASONED and not self.scan.open:
            self._learn_seasons(start + STEP)
        return told

    def _learn_seasons(self, until: int) -> None:
        """Fit on four healthy weeks, once: a reference that followed the traffic would absorb its drift."""
        history = self.features.history(until - SEASONED, until)
        self.scan = Scan.fit(history, dict(self.features.reference.weights) or None, self._budget)
        self.seasoned = True

    def _window(self, start: int) -> Window:
        counts = self.features.between(start, start + STEP).astype(np.int32)
        return Window(start, counts)
