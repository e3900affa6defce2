"""Episodes: a drift is told when it opens, when it gets worse and when it clears, not at every window."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np

from timonel.anomalies.anomaly import Phase, Severity
from timonel.drift.scan.calibration import Calibration
from timonel.drift.scan.effects import Floats, Kind, Measure
from timonel.drift.scan.pools import SCALES, Scale
from timonel.drift.scan.thresholds import CLEAR

SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is known of a drift besides its effect."""

    n: int
    """Rows of the pool that shows it."""
    since: int
    """When it began, as far as the last day tells: the start of a window, microseconds since 1970 UTC."""
    evidence: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Episode:
    """A feature's drift, as of its newest window.

    Effects are in standard deviations for numbers, total variation for categories.
    """

    feature: str
    state: Phase
    severity: Severity
    """The highest that it has reached."""
    scale: Scale
    """The pool that shows it most clearly."""
    measure: Kind
    """The distance that does."""
    effect: float
    threshold: float
    """Of this distance on this scale, with so many rows."""
    peak: float
    """The largest effect so far, of all pools beyond their thresholds."""
    since: int
    opened: int
    """When it was first told: the end of a window, microseconds since 1970 UTC."""
    updated: int
    """The end of the newest window."""
    n: int
    """Rows of the pool when this was last told, as the evidence is."""
    evidence: Mapping[str, float] = field(default_factory=dict)
    """Numbers of the pool beside those of its reference."""

    def __str__(self) -> str:
        return (
            f"{self.feature}: drift {self.state}, {self.severity};"
            f" effect {self.effect:.2g} in {self.scale.value} ({self.measure};"
            f" threshold {self.threshold:.2g}, peak {self.peak:.2g}, n={self.n:,})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = {key: getattr(self, key).value for key in ("state", "severity", "scale", "measure")}
        return {**asdict(self), **names, "evidence": dict(self.evidence)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(
            **{
                **saved,
                "state": Phase(saved["state"]),
                "severity": Severity(saved["severity"]),
                "scale": Scale(saved["scale"]),
                "measure": Kind(saved["measure"]),
            }
        )


Describe = Callable[[int, Scale], Particulars]
"""(feature's index, scale) -> what else is known of its drift now."""


class Tracker:
    """The open episodes of all features."""

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self.open: dict[int, Episode] = {}

    def resume(self, episodes: Iterable[Episode]) -> None:
        """Go on with these open episodes."""
        self.open = {self.calibration.features.index(e.feature): e for e in episodes}

    def step(
        self, now: int, effects: Floats, limits: Floats, describe: Describe
    ) -> Iterator[Episode]:
        """Take the effects and limits (M, S) of a window that ends now; what opens, worsens or clears.

        An unknown effect (NaN) neither opens nor clears.
        """
        beyond = self.calibration.tracks[(effects >= limits).any(1)]
        for j in sorted({*beyond.tolist(), *self.open}):
            own = self.calibration.tracks == j
            if np.isfinite(effects[own]).any():
                measures = [self.calibration.measures[m] for m in np.flatnonzero(own)]
                found = _Reading.of(effects[own], limits[own], measures)
                told = self._judge(j, now, found, describe)
                if told is not None:
                    yield told

    def _judge(self, j: int, now: int, found: "_Reading", describe: Describe) -> Episode | None:
        before = self.open.get(j)
        if before is None:
            self.open[j] = self._opened(j, now, found, describe)
            return self.open[j]
        self.open[j] = current = replace(
            before,
            scale=found.scale,
            measure=found.kind,
            effect=found.effect,
            threshold=found.threshold,
            peak=max(before.peak, found.effect, found.beyond),
            updated=now,
        )
        severity = self._severity(j, found.beyond)
        if found.ratio >= CLEAR and severity.rank <= before.severity.rank:
            return None
        more = describe(j, found.scale)
        told = replace(current, n=more.n, evidence=more.evidence)
        if found.ratio < CLEAR:
            del self.open[j]
            return replace(told, state=Phase.CLEARED)
        self.open[j] = replace(told, state=Phase.WORSE, severity=severity)
        return self.open[j]

    def _opened(self, j: int, now: int, found: "_Reading", describe: Describe) -> Episode:
        more = describe(j, found.scale)
        return Episode(
            feature=self.calibration.features[j],
            state=Phase.OPEN,
            severity=self._severity(j, found.beyond),
            scale=found.scale,
            measure=found.kind,
            effect=found.effect,
            threshold=found.threshold,
            peak=found.beyond,
            since=more.since,
            opened=now,
            updated=now,
            n=more.n,
            evidence=more.evidence,
        )

    def _severity(self, j: int, effect: float) -> Severity:
        """The highest whose gate the effect reaches."""
        passed = int((effect >= self.calibration.gates[j]).sum())
        return SEVERITIES[max(passed - 1, 0)]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A feature's pools at one window: the one that shows its drift most clearly."""

    scale: Scale
    kind: Kind
    effect: float
    threshold: float
    ratio: float
    beyond: float
    """The largest effect of all pools beyond their thresholds, 0 without any."""

    @classmethod
    def of(cls, effects: Floats, limits: Floats, measures: Sequence[Measure]) -> Self:
        """From the effects and limits of its tracks (k, S), not all unknown."""
        ratios = effects / limits
        k, s = divmod(int(np.nanargmax(ratios)), len(SCALES))
        return cls(
            SCALES[s],
            measures[k].kind,
            float(effects[k, s]),
            float(limits[k, s]),
            float(ratios[k, s]),
            float(effects[ratios >= 1].max(initial=0.0)),
        )
