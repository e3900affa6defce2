"""Readings in, anomalies out: what opened, what got worse, what cleared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from timonel.anomalies.anomaly import Anomaly, Phase, Where, ranked
from timonel.anomalies.baseline import Baseline
from timonel.anomalies.config import WatchConfig
from timonel.anomalies.episode import CLEAR_AFTER, Episode
from timonel.anomalies.history import History
from timonel.anomalies.judgement import Judgement, differs, is_back, judge
from timonel.anomalies.reading import TRAFFIC, Reading
from timonel.anomalies.series import Series
from timonel.anomalies.silence import Silence, silent_anomaly
from timonel.anomalies.traits import Kind, trait_of
from timonel.anomalies.words import STOPPED, evidence, next_step
from timonel.performance.value import Measured

Place = tuple[str, Where]
"""A metric and where."""


@dataclass(frozen=True, slots=True)
class Band:
    """Where a healthy window lies."""

    expected: float
    lower: float
    upper: float
    source: str


@dataclass
class Watch:
    """Judges readings; give it those of each new window, of as many window lengths as you like.

    `references` holds the figures of the reference by metric and place; without one a baseline is learnt
    from the first stable stretch and then, hour by hour, from two weeks on. A reading whose state is not
    ok is neither an anomaly nor a pass: it changes nothing.
    """

    config: WatchConfig = field(default_factory=WatchConfig)
    references: Mapping[Place, Measured] = field(default_factory=dict)
    _series: dict[tuple[Place, timedelta], Series] = field(default_factory=dict)
    _episodes: dict[Place, Episode] = field(default_factory=dict)
    _spans: dict[Place, timedelta] = field(default_factory=dict)
    """The shortest window that was outside, of each open episode."""
    _silences: dict[Where, Silence] = field(default_factory=dict)

    @property
    def open(self) -> list[Anomaly]:
        """What is abnormal now, most severe first."""
        return ranked(episode.now for episode in self._episodes.values())

    @property
    def learning(self) -> list[Place]:
        """What has readings and no baseline yet."""
        known = {place for (place, _), series in self._series.items() if series.baseline()}
        return sorted({place for place, _ in self._series} - known, key=lambda p: (p[0], str(p[1])))

    def update(self, readings: Iterable[Reading]) -> list[Anomaly]:
        """Take readings; what opened, got worse or cleared by them, most severe first."""
        told: list[Anomaly] = []
        for reading in sorted(readings, key=lambda r: (r.end, r.span)):
            if reading.metric == TRAFFIC:
                told += self._listen(reading)
            if reading.value.ok:
                told += self._take(reading)
        return ranked(told)

    def band(self, reading: Reading) -> Band | None:
        """Where the window of this reading should lie, for pictures; None while that is not known."""
        series = self._series.get(((reading.metric, reading.where), reading.span))
        baseline = None if series is None else series.baseline()
        if series is None or baseline is None:
            return None
        slot = series.history.slot(reading.start, reading.end)
        expected = baseline.centre(slot)
        if expected is None:
            return None
        level = self._level(series, reading.span)
        limits = series.trait.within(baseline.limits(max(1, reading.value.n), slot, level))
        return Band(expected, *limits, baseline.source)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values of all that was learnt and is open; `resume` reads them."""
        return {
            "series": [
                {"metric": p[0], "where": p[1].to_dict(), "span": span.total_seconds()}
                | s.to_dict()
                for (p, span), s in self._series.items()
            ],
            "episodes": [
                {
                    "what": p[0],
                    "span": self._spans[p].total_seconds() if p in self._spans else None,
                }
                | e.to_dict()
                for p, e in self._episodes.items()
            ],
            "silences": [
                {"where": where.to_dict(), "silence": s.to_dict()}
                for where, s in self._silences.items()
            ],
        }

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on exactly as if the watch that was saved had not stopped; for a watch that has read nothing."""
        for one in saved["series"]:
            place = (one["metric"], Where(**one["where"]))
            self._series_of(place, timedelta(seconds=one["span"])).resume(one)
        for one in saved["episodes"]:
            episode = Episode.from_dict(one)
            place = (one["what"], episode.now.where)
            self._episodes[place] = episode
            if one["span"] is not None:
                self._spans[place] = timedelta(seconds=one["span"])
        for one in saved["silences"]:
            silence = self._silences.setdefault(Where(**one["where"]), Silence(self.config.learn))
            silence.resume(one["silence"])

    def _take(self, reading: Reading) -> list[Anomaly]:
        place = (reading.metric, reading.where)
        series = self._series_of(place, reading.span)
        if not series.advance(reading):
            return []
        baseline = series.baseline()
        slot = series.history.slot(reading.start, reading.end)
        found = None
        if baseline is not None:
            level = self._level(series, reading.span)
            found = judge(reading.value, slot, baseline, series.trait, level, series.scale)
        if found is not None:
            return self._outside(place, series, reading, found)
        if place not in self._episodes:
            series.muted = False
            series.history.add(reading.start, reading.end, reading.value)
            return []
        if baseline is None or reading.span != self._spans[place]:
            return []
        pooled = series.trait.kind is Kind.RATE
        if not pooled and not is_back(reading.value, slot, baseline, series.trait, series.scale):
            return []
        episode = self._episodes[place].waiting(reading.value, pooled)
        self._episodes[place] = episode
        over = episode.back >= CLEAR_AFTER and _is_over(episode, slot, baseline, series)
        return self._close(place, reading) if over else []

    def _outside(
        self, place: Place, series: Series, reading: Reading, found: Judgement
    ) -> list[Anomaly]:
        if series.muted:
            return []
        self._spans[place] = min(self._spans.get(place, reading.span), reading.span)
        return self._tell(place, _anomaly(reading, found))

    def _tell(self, place: Place, now: Anomaly) -> list[Anomaly]:
        if place not in self._episodes:
            self._episodes[place] = Episode.opened(now)
            return [self._episodes[place].now]
        self._episodes[place], worse = self._episodes[place].outside(now)
        return [] if worse is None else [worse]

    def _close(self, place: Place, reading: Reading) -> list[Anomaly]:
        episode = self._episodes.pop(place)
        span = self._spans.pop(place, reading.span)
        for (other, length), series in self._series.items():
            series.muted = series.muted or (other == place and length > span)
        return [episode.cleared(reading.value, reading.end)]

    def _listen(self, reading: Reading) -> list[Anomaly]:
        silence = self._silences.setdefault(reading.where, Silence(self.config.learn))
        place = (STOPPED, reading.where)
        if silence.update(reading):
            return self._tell(place, silent_anomaly(reading, silence))
        if place in self._episodes and reading.value.ok and reading.value.n:
            self._episodes[place] = self._episodes[place].waiting(reading.value, pooled=False)
            if self._episodes[place].back >= CLEAR_AFTER:
                return self._close(place, reading)
        return []

    def _series_of(self, place: Place, span: timedelta) -> Series:
        if (place, span) not in self._series:
            trait = trait_of(place[0], self.config.traits)
            history = History(trait.kind, self.config.learn)
            self._series[place, span] = Series(trait, history, self.references.get(place))
        return self._series[place, span]

    def _level(self, series: Series, span: timedelta) -> float:
        return self.config.level(len(self._series), series.step or span)


def _is_over(episode: Episode, slot: int, baseline: Baseline, series: Series) -> bool:
    """Whether a rate, over all windows since the last one outside, is healthy and not the episode's still."""
    quiet, rate, expected = episode.quiet, episode.rate, episode.now.expected
    if series.trait.kind is not Kind.RATE or quiet is None or rate is None or expected is None:
        return True
    back = is_back(quiet, slot, baseline, series.trait, series.scale)
    return back and differs(quiet, rate, expected)


def _anomaly(reading: Reading, found: Judgement) -> Anomaly:
    return Anomaly(
        what=reading.metric,
        where=reading.where,
        severity=found.severity,
        phase=Phase.OPEN,
        since=reading.start,
        updated=reading.end,
        observed=reading.value,
        expected=found.expected,
        baseline=found.limits,
        evidence=evidence(reading, found),
        next_step=next_step(reading.metric),
    )
