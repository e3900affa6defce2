"""Watching: each window is judged once, when it is over; each outcome, when it is mature."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from timonel.anomalies import (
    ANYWHERE,
    Anomaly,
    FactWatch,
    Reading,
    Watch,
    WatchConfig,
    Where,
    from_drift,
    is_judged,
    ranked,
)
from timonel.durations import microseconds
from timonel.monitor.answers import age_of_labels, complete_until, family, keep_trust
from timonel.monitor.drifting import DriftWatch
from timonel.monitor.facts import facts_of
from timonel.monitor.feature_windows import STEP
from timonel.monitor.figures import quality_figures, reference_sums
from timonel.monitor.maturity import all_labelled
from timonel.monitor.spans import Span
from timonel.monitor.times import as_datetime
from timonel.monitor.tracker import Tracker
from timonel.performance.value import Measured
from timonel.windows.directory import VERSION
from timonel.windows.layout import DAY, HOUR
from timonel.windows.ranges import Sums

LONG = 6 * HOUR
"""Small departures that last are seen over this much, besides the windows of the settings."""
PARTS = frozenset(
    {"error_rate", "timeout_rate", "null_rate", "p95_latency_ms", "accuracy", "recall"}
)
"""What is judged for each version and slice, too."""

MOST_CLEARED = 200

Key = tuple[str, int]


class Watching:
    """Judges the windows of a tracker as time passes."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        config = tracker.config
        self._watch = Watch(WatchConfig(config.false_alarms_per_month / 2, config.learning_span))
        self._facts = FactWatch()
        self._judged: dict[Key, int] = {}
        """By kind and length of window: the end of the newest that was judged."""
        self.cleared: deque[Anomaly] = deque(maxlen=MOST_CLEARED)
        """The newest of what has cleared."""
        self.drift: DriftWatch | None = None
        """None until there is a reference with features."""
        self._referenced = False
        """Whether the figures of the reference were taken, as they must be before the first reading."""

    @property
    def open(self) -> list[Anomaly]:
        """What is abnormal now, most severe first."""
        drift = () if self.drift is None else map(from_drift, self.drift.scan.open)
        return ranked([*self._watch.open, *self._facts.open, *drift])

    @property
    def watch(self) -> Watch:
        """The judgement of the metrics, with their baselines."""
        return self._watch

    def look(self) -> list[Anomaly]:
        """Judge what is over since the last look: what is open now, and what has cleared."""
        if self._tracker.newest < 0:
            return []
        self._take_reference()
        told = [*self._metrics(), *self._drift()]
        cleared = [anomaly for anomaly in told if anomaly.cleared]
        self.cleared.extend(cleared)
        return ranked([*self.open, *cleared])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values of all that was learnt, judged and is open; `resume` reads them."""
        return {
            "watch": self._watch.to_dict(),
            "facts": self._facts.to_dict(),
            "judged": [[kind, length, end] for (kind, length), end in self._judged.items()],
            "cleared": [anomaly.to_dict() for anomaly in self.cleared],
            "drift": None if self.drift is None else self.drift.to_dict(),
            "referenced": self._referenced,
        }

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on as if the watching that was saved had not stopped; for one that has not looked yet."""
        if saved["referenced"]:
            self._take_reference()
        self._watch.resume(saved["watch"])
        self._facts.resume(saved["facts"])
        self._judged = {(kind, length): end for kind, length, end in saved["judged"]}
        self.cleared.extend(map(Anomaly.from_dict, saved["cleared"]))
        if self.drift is not None and saved["drift"] is not None:
            self.drift.resume(saved["drift"])

    def _take_reference(self) -> None:
        features = self._tracker.features
        if features is None or self._referenced:
            return
        self._referenced = True
        if features.bins:
            self.drift = DriftWatch(features, self._tracker.config.false_alarms_per_month / 2)
        model = self._tracker.account.model
        sums = reference_sums(features.reference, model)
        if sums is None:
            return
        figures = quality_figures(sums, model)
        estimates = self._tracker.estimates
        # quality wanders with the population, its gap does not: with gaps, the rest is learnt from traffic
        figures = (estimates.gaps(sums, figures) if estimates is not None else {}) or figures
        self._watch.references = {(name, ANYWHERE): value for name, value in figures.items()}

    def _metrics(self) -> Iterator[Anomaly]:
        window = microseconds(self._tracker.config.window)
        for length in sorted({window, max(LONG, window)}):
            for span in self._due("service", length):
                yield from self._watch.update(self._readings(span, quality=False))
        for length in sorted({max(HOUR, window), max(LONG, window)}):
            for span in self._matured("quality", length):
                yield from self._watch.update(self._readings(span, quality=True))
        for length in sorted({max(LONG, window), max(DAY, window)}):
            for span in self._matured("gap", length):
                yield from self._watch.update(self._gaps(span))
        keep_trust(self._tracker)

    def _whole(self, span: Span) -> Sums:
        return self._tracker.account.state.sums(span.start, span.end)

    def _due(self, kind: str, length: int) -> Iterator[Span]:
        """The windows of this length that are over, with all that may come late, and not yet judged."""
        until = complete_until(self._tracker)
        oldest = max(self._tracker.oldest, self._tracker.account.state.clock.horizon)
        begin = max(-(-oldest // length) * length, self._judged.get((kind, length), 0))
        for start in range(begin, until - length + 1, length):
            self._judged[kind, length] = start + length
            yield Span(start, start + length)

    def _matured(self, kind: str, length: int) -> Iterator[Span]:
        """Those of them whose labels have come."""
        mature = self._tracker.newest - age_of_labels(self._tracker)
        for span in self._due(kind, length):
            if span.end > mature and not all_labelled(self._whole(span)):
                self._judged[kind, length] = span.start
                return
            yield span

    def _gaps(self, span: Span) -> list[Reading]:
        """Realised less estimated quality, which a change of the population leaves alone."""
        estimates, sums = self._tracker.estimates, self._whole(span)
        if estimates is None or not sums.n_labelled:
            return []
        start, end = as_datetime(span.start), as_datetime(span.end)
        realised = dict(self._values(sums, span.seconds, quality=True))
        gaps = estimates.gaps(sums, realised)
        return [Reading(start, end, name, value) for name, value in gaps.items()]

    def _readings(self, span: Span, *, quality: bool) -> list[Reading]:
        start, end = as_datetime(span.start), as_datetime(span.end)
        return [
            Reading(start, end, name, value, where)
            for where, sums in self._places(span)
            for name, value in self._values(sums, span.seconds, quality=quality)
            if where == ANYWHERE or name in PARTS
        ]

    def _places(self, span: Span) -> Iterator[tuple[Where, Sums]]:
        """The model as a whole, its versions if there are several, its slices in windows of hours."""
        state, config = self._tracker.account.state, self._tracker.config
        yield ANYWHERE, self._whole(span)
        versions = state.directory.values(VERSION)
        for version in versions if len(versions) > 1 else ():
            yield Where(version=version), state.sums(span.start, span.end, version)
        for column in config.slices if span.end - span.start >= HOUR else ():
            for value in state.directory.values(column):
                sums = state.sums(span.start, span.end, slice=(column, value))
                yield Where(slice=f"{column}={value}"), sums

    def _values(
        self, sums: Sums, seconds: float, *, quality: bool
    ) -> Iterator[tuple[str, Measured]]:
        for pack in self._tracker.account.model.packs:
            found = pack.metrics(sums, seconds)
            for name in found:
                if is_judged(name) and (family(name) in pack.quality) == quality:
                    yield name, found[name]

    def _drift(self) -> Iterator[Anomaly]:
        if self.drift is None:
            return
        due = list(self._due("drift", STEP))
        if due:
            yield from map(from_drift, self.drift.update(due[0].start, due[-1].end))
        for span in due:
            rows = self._whole(span).n
            if rows:
                found = facts_of(self.drift.features, span)
                yield from self._facts.update(as_datetime(span.end), rows, found)
