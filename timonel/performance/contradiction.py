"""Do matured labels contradict an estimate? A test that may be repeated for ever."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from timonel.performance.expectation import Expected
from timonel.performance.intervals import LEAST_SUPPORT
from timonel.performance.metrics import Value


@dataclass(frozen=True)
class Comparison:
    """One metric as it was estimated and as the labels show it."""

    metric: str
    estimated: float
    realised: float
    z: float
    """The difference in standard errors, those of the labels and of the calibration together."""
    p: float
    level: float
    """What p must be below, after the correction for the metrics and for the checks."""

    @property
    def contradicts(self) -> bool:
        """Whether the difference is more than chance allows."""
        return self.p < self.level

    def __str__(self) -> str:
        return f"{self.metric} {self.realised:.3f}, estimated {self.estimated:.3f} (z={self.z:.1f})"


@dataclass(frozen=True)
class Check:
    """The outcome of one comparison of estimates with matured labels."""

    number: int
    """Which check since the fit; one without enough labels is not counted."""
    level: float
    """The share of the error probability that this check may spend."""
    n: int
    comparisons: tuple[Comparison, ...]
    """Empty if the labels were too few to compare anything."""
    trusted: bool
    """Whether the estimates stand after this check."""

    @property
    def contradicted(self) -> tuple[Comparison, ...]:
        """The metrics that contradict, in this check."""
        return tuple(c for c in self.comparisons if c.contradicts)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        rows = [asdict(c) | {"contradicts": c.contradicts} for c in self.comparisons]
        return asdict(self) | {"comparisons": rows}


def compare_all(
    expected: Mapping[str, Expected], shown: Mapping[str, Value | None], level: float
) -> tuple[Comparison, ...]:
    """Compare each metric that has enough rows on both sides; they share the level (Bonferroni)."""
    usable = [
        (name, e.value.value, real.value, e.variance)
        for name, e in expected.items()
        if e.value is not None
        if (real := shown[name]) is not None
        if min(e.value.support, real.support) >= LEAST_SUPPORT
    ]
    return tuple(compare(*pair, level / len(usable)) for pair in usable)


def contradiction(comparisons: tuple[Comparison, ...]) -> str:
    """What contradicts most, in words; empty if nothing does."""
    worst = min((c for c in comparisons if c.contradicts), key=lambda c: c.p, default=None)
    return "" if worst is None else f"contradicted by matured labels: {worst}"


def compare(
    metric: str, estimated: float, realised: float, variance: float, level: float
) -> Comparison:
    """Two-sided normal test of a difference with a known variance."""
    gap = realised - estimated
    z = gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap) if gap else 0.0
    return Comparison(metric, estimated, realised, z, math.erfc(abs(z) / math.sqrt(2)), level)


def spent_level(alpha: float, k: int) -> float:
    """The level of the k-th check: alpha/(k(k+1)), which sums to alpha over all k."""
    return alpha / (k * (k + 1))
