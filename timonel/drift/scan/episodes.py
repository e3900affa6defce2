"""Episodes: a drift is told when it opens, when it gets worse and when it clears, not at every window."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from timonel.anomalies.anomaly import Phase, Severity
from timonel.drift.scan.effects import Floats
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
    effect: float
    threshold: float
    """Of this feature on this scale."""
    peak: float
    """The largest effect so far."""
    since: int
    opened: int
    """When it was first told: the end of a window, microseconds since 1970 UTC."""
    updated: int
    """The end of the newest window."""
    n: int
    """Rows of the pool."""
    evidence: Mapping[str, float] = field(default_factory=dict)
    """Numbers of the pool beside those of its reference."""

    def __str__(self) -> str:
        return (
            f"{self.feature}: drift {self.state}, {self.severity};"
            f" effect {self.effect:.2g} in {self.scale.value}"
            f" (threshold {self.threshold:.2g}, peak {self.peak:.2g}, n={self.n:,})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = {"state": self.state.value, "severity": self.severity.value}
        return {**asdict(self), **names, "scale": self.scale.value, "evidence": dict(self.evidence)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(
            **{
                **saved,
                "state": Phase(saved["state"]),
                "severity": Severity(saved["severity"]),
                "scale": Scale(saved["scale"]),
            }
        )


Describe = Callable[[int, Scale], Particulars]
"""(feature's index, scale) -> what else is known of its drift now."""


class Tracker:
    """The open episodes of all features."""

    def __init__(self, features: tuple[str, ...], thresholds: Floats, gates: Floats) -> None:
        self.features, self.thresholds, self.gates = features, thresholds, gates
        self.open: dict[int, Episode] = {}

    def resume(self, episodes: Iterable[Episode]) -> None:
        """Go on with these open episodes."""
        self.open = {self.features.index(e.feature): e for e in episodes}

    def step(self, now: int, effects: Floats, describe: Describe) -> Iterator[Episode]:
        """Take the effects (F, S) of a window that ends now; the episodes that open, worsen or clear.

        An unknown effect (NaN) neither opens nor clears.
        """
        ratios = effects / self.thresholds
        known = np.isfinite(ratios).any(1)
        for j in np.flatnonzero(known & ((np.nanmax(ratios, 1, initial=0) >= 1) | self._is_open)):
            told = self._judge(int(j), now, effects[j], ratios[j], describe)
            if told is not None:
                yield told

    @property
    def _is_open(self) -> NDArray[np.bool_]:
        is_open = np.zeros(len(self.features), dtype=bool)
        is_open[list(self.open)] = True
        return is_open

    def _judge(
        self, j: int, now: int, effects: Floats, ratios: Floats, describe: Describe
    ) -> Episode | None:
        s = int(np.nanargmax(ratios))
        before = self.open.get(j)
        seen = float(effects[s])
        severity = self._severity(j, effects[ratios >= 1])
        if before is None:
            told = self._opened(j, now, s, seen, severity, describe)
            self.open[j] = told
            return told
        current = replace(
            before,
            scale=SCALES[s],
            effect=seen,
            threshold=float(self.thresholds[j, s]),
            peak=max(before.peak, seen),
            updated=now,
        )
        return self._continued(j, current, float(ratios[s]), severity, describe)

    def _opened(
        self, j: int, now: int, s: int, seen: float, severity: Severity, describe: Describe
    ) -> Episode:
        more = describe(j, SCALES[s])
        return Episode(
            feature=self.features[j],
            state=Phase.OPEN,
            severity=severity,
            scale=SCALES[s],
            effect=seen,
            threshold=float(self.thresholds[j, s]),
            peak=seen,
            since=more.since,
            opened=now,
            updated=now,
            n=more.n,
            evidence=more.evidence,
        )

    def _continued(
        self, j: int, current: Episode, ratio: float, severity: Severity, describe: Describe
    ) -> Episode | None:
        if ratio >= CLEAR and severity.rank <= current.severity.rank:
            self.open[j] = current
            return None
        more = describe(j, current.scale)
        current = replace(current, n=more.n, evidence=more.evidence)
        if ratio < CLEAR:
            del self.open[j]
            return replace(current, state=Phase.CLEARED)
        self.open[j] = replace(current, state=Phase.WORSE, severity=severity)
        return self.open[j]

    def _severity(self, j: int, effects: Floats) -> Severity:
        """Of the largest effect among those beyond their thresholds."""
        passed = int((effects.max(initial=0) >= self.gates[j]).sum())
        return SEVERITIES[max(passed - 1, 0)]
