"""Scan: is any feature drifting, at a declared number of false alarms a month on seasonal traffic?

    scan = Scan.fit(history)            # 28 days of 15-minute windows or more
    print(scan.budget, scan.replay(history))
    for episode in scan.update(window):
        print(episode)

A p-value asks whether two samples of independent rows differ. Traffic always does: by hour, by weekday, and
because its mean wanders. So the scan measures how much, and sets its threshold where healthy weeks, each
compared with the others, hardly ever were.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from timonel.drift.scan.calibration import Budget, Calibration, calibrate, gates_of, plain
from timonel.drift.scan.episodes import Episode
from timonel.drift.scan.evidence import describer
from timonel.drift.scan.replay import Replay, replay, tracker_of
from timonel.drift.scan.windows import DAY, WINDOW, Counts, History, Window
from timonel.errors import BadInput, Corrupt
from timonel.reference.bins import CELLS, Bins

FORMAT = 1


class Scan:
    """Watches the counts of all features; made by `fit` or `plain`.

    It remembers a day of windows. A window that comes late takes its place among them and is judged with
    them; one older than the day is counted in `ignored`. Missing and empty windows are no rows: an episode
    neither opens nor clears while its pools hold fewer than 30. Features that the scan does not know are
    counted in `ignored`; features that a window lacks have no rows in it.
    """

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self.ignored: Counter[str] = Counter()
        """What could not be used, by reason: windows "too late", rows of a window "unknown feature"."""
        self._recent: dict[int, Counts] = {}
        self._tracker = tracker_of(calibration)

    @classmethod
    def fit(
        cls,
        history: History,
        weights: Mapping[str, float] | None = None,
        false_alarms_per_month: float = 1.0,
    ) -> Self:
        """Learn seasons and thresholds from healthy traffic; `budget` says if the history was too short.

        Args:
            history: 28 days or more, 56 are better.
            weights: importance of features; those of twice the mean importance have half the gates.
            false_alarms_per_month: in 30 days, over all features and scales.
        """
        return cls(calibrate(history.ordered(), weights, false_alarms_per_month))

    @classmethod
    def plain(
        cls,
        reference_counts: Counts,
        bins: tuple[Bins, ...],
        weights: Mapping[str, float] | None = None,
    ) -> Self:
        """Without history: one reference (F, 42) for all hours, with wider gates and no promise."""
        if reference_counts.shape != (len(bins), CELLS):
            raise BadInput(
                f"reference_counts have shape {reference_counts.shape}, expected {(len(bins), CELLS)}"
            )
        budget = Budget(1.0, len(bins), 0.0, kept=False)
        return cls(plain(reference_counts.astype(np.int64), bins, gates_of(bins, weights), budget))

    @property
    def budget(self) -> Budget:
        """How many false alarms to expect, and on what that rests."""
        return self.calibration.budget

    @property
    def open(self) -> tuple[Episode, ...]:
        """The episodes that are open now, the most severe first."""
        return tuple(
            sorted(
                self._tracker.open.values(),
                key=lambda e: (-e.severity.rank, -e.effect / e.threshold),
            )
        )

    def update(self, window: Window) -> list[Episode]:
        """Take a window; the episodes that opened, got worse or cleared with it."""
        counts = self._aligned(window)
        newest = max(self._recent, default=window.time)
        if window.time <= newest - DAY:
            self.ignored["too late"] += 1
            return []
        self._recent[window.time] = counts
        newest = max(newest, window.time)
        self._recent = {t: c for t, c in sorted(self._recent.items()) if t > newest - DAY}
        recent = self._history()
        effects = self.calibration.effects(recent)[-1]
        return list(
            self._tracker.step(newest + WINDOW, effects, describer(self.calibration, recent))
        )

    def replay(self, history: History) -> Replay:
        """What it would have told over a history; weeks of its own fit are judged without themselves."""
        return replay(self.calibration, history.ordered())

    def _history(self) -> History:
        times = np.array(list(self._recent), dtype=np.int64)
        return History(times, np.stack(list(self._recent.values())), self.calibration.bins)

    def _aligned(self, window: Window) -> Counts:
        """The window's counts in the scan's order."""
        features = self.calibration.features
        if window.features is None and len(window.counts) != len(features):
            raise BadInput(
                f"the window counts {len(window.counts)} features, expected {len(features)}",
                fix="name them: Window(time, counts, features=names)",
            )
        if window.features is None or window.features == features:
            return window.counts
        rows = dict(zip(window.features, window.counts, strict=True))
        self.ignored["unknown feature"] += len(rows.keys() - set(features))
        nothing = np.zeros(CELLS, dtype=np.int32)
        return np.stack([rows.get(name, nothing) for name in features])

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain JSON values: a scan made from it goes on as this one would."""
        return {
            "format": FORMAT,
            "calibration": self.calibration.to_dict(),
            "recent": [[time, counts.tolist()] for time, counts in self._recent.items()],
            "open": [episode.to_dict() for episode in self._tracker.open.values()],
            "ignored": dict(self.ignored),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; raises Corrupt for what is none."""
        try:
            if saved["format"] != FORMAT:
                raise Corrupt(f"the saved scan has format {saved['format']}, expected {FORMAT}")
            scan = cls(Calibration.from_dict(saved["calibration"]))
            scan._recent = {t: np.array(c, dtype=np.int32) for t, c in saved["recent"]}
            scan._tracker.resume(Episode.from_dict(e) for e in saved["open"])
            scan.ignored.update(saved["ignored"])
        except (KeyError, TypeError, ValueError) as error:
            raise Corrupt(f"this is no saved scan: {error!r}", fix="fit the scan anew") from error
        return scan
