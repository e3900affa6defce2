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
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.budget import Budget
from timonel.drift.scan.calibration import Calibration
from timonel.drift.scan.episodes import Episode, Tracker
from timonel.drift.scan.evidence import describer
from timonel.drift.scan.fitting import HEADROOM, fit, fit_plain, pages_alone, units, widened
from timonel.drift.scan.gates import gates_of
from timonel.drift.scan.replay import Block, Replay, replay
from timonel.drift.scan.windows import DAY, WINDOW, Counts, History, Window
from timonel.errors import BadInput, Corrupt
from timonel.reference.bins import CELLS, Bins

FORMAT = 2


class Scan:
    """Watches the counts of all features; made by `fit` or `plain`.

    It remembers a day of windows. A window that comes late takes its place among them and is judged with
    them; one older than the day is counted in `ignored`. Missing and empty windows are no rows: an episode
    neither opens nor clears while its pools hold fewer than 30. Features that the scan does not know are
    counted in `ignored`; features that a window lacks have no rows in it.
    """

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = self._plain = calibration
        self.ignored: Counter[str] = Counter()
        """What could not be used, by reason: windows "too late", rows of a window "unknown feature"."""
        self._recent: dict[int, Counts] = {}
        self._tracker = Tracker(calibration)

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
        return cls(fit(history.ordered(), weights, false_alarms_per_month))

    @classmethod
    def plain(
        cls,
        reference_counts: NDArray[np.integer[Any]],
        bins: tuple[Bins, ...],
        weights: Mapping[str, float] | None = None,
    ) -> Self:
        """Without history: one reference (F, 42) for all hours, with wider gates and no promise."""
        if reference_counts.shape != (len(bins), CELLS):
            raise BadInput(
                f"reference_counts have shape {reference_counts.shape}, expected {(len(bins), CELLS)}"
            )
        budget = Budget(1.0, len(bins), 0.0, kept=False)
        gates = units(bins)[:, None] * gates_of(bins, weights)
        return cls(fit_plain(reference_counts.astype(np.int64), bins, gates, budget))

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
        pools = self.calibration.pools(recent)
        limits = self.calibration.limits.at(pools.rows[-1])
        describe = describer(self.calibration, recent)
        return list(self._tracker.step(newest + WINDOW, pools.effects[-1], limits, describe))

    def catch_up(self, history: History) -> list[Episode]:
        """Take many windows, as `update` one by one in the order of time, but far quicker."""
        ordered = history.ordered()
        known = max(self._recent, default=ordered.time[0] - 1 if len(ordered.time) else 0)
        fresh = ordered.take(ordered.time > known)
        told = [
            episode
            for i in np.flatnonzero(ordered.time <= known)
            for episode in self.update(ordered[int(i)])
        ]
        if not len(fresh.time):
            return told
        for i in range(len(fresh.time)):
            self._recent[int(fresh.time[i])] = self._aligned(fresh[i])
        joined = self._history()
        first = len(joined.time) - len(fresh.time)
        told += Block(self.calibration, joined, first).tell(self._tracker)
        newest = int(joined.time[-1])
        self._recent = {t: c for t, c in self._recent.items() if t > newest - DAY}
        return told

    def tell_pages_alone(self) -> None:
        """Be quiet about what is not worth a page, until `widen` has shown what is usual."""
        self._take(pages_alone(self._plain))

    def widen(self, history: History, headroom: float = HEADROOM) -> None:
        """Raise the thresholds to what this history, too short to know seasons, has shown to be usual.

        The largest effects about its own mean, times `headroom`, are healthy from now on; the reference
        stays. A feature whose episode has been open for a day has drifted, and keeps its thresholds.
        """
        newest = max(self._recent, default=0)
        drifted = {e.feature for e in self.open if newest - e.opened >= DAY}
        restless = np.array([f not in drifted for f in self.calibration.features], dtype=bool)
        wider = widened(self._plain, history.ordered(), restless, headroom)
        kept = restless[wider.tracks, None]
        floor = np.where(kept, wider.limits.floor, self.calibration.limits.floor)
        self._take(replace(wider, limits=replace(wider.limits, floor=floor)))

    def _take(self, calibration: Calibration) -> None:
        self.calibration = self._tracker.calibration = calibration

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
        plain = None if self._plain is self.calibration else self._plain.to_dict()
        return {
            "format": FORMAT,
            "calibration": self.calibration.to_dict(),
            "plain": plain,
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
            plain = saved["plain"] or saved["calibration"]
            scan = cls(Calibration.from_dict(plain))
            if saved["plain"]:
                scan._take(Calibration.from_dict(saved["calibration"]))
            scan._recent = {t: np.array(c, dtype=np.int32) for t, c in saved["recent"]}
            scan._tracker.resume(Episode.from_dict(e) for e in saved["open"])
            scan.ignored.update(saved["ignored"])
        except (KeyError, TypeError, ValueError) as error:
            raise Corrupt(f"this is no saved scan: {error!r}", fix="fit the scan anew") from error
        return scan
