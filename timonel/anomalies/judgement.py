"""One reading against its baseline: inside, or outside by how much."""

from dataclasses import dataclass

from timonel.anomalies.anomaly import Severity
from timonel.anomalies.baseline import Baseline
from timonel.anomalies.tails import LARGEST, beta_binomial_sf
from timonel.anomalies.traits import Trait, Worse
from timonel.performance.value import Measured

PLAUSIBLE = 1e-3
"""A window that is healthy with this probability or more is back inside."""
DIFFERENT = 1e-4
"""A rate that is this improbable at the episode's rate has left it."""
LOOSER = 0.6
"""One whose departure is below this part of the gates is back inside too."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reading says."""

    expected: float
    limits: tuple[float, float]
    tail: float
    """The probability of a healthy window at least this far off, both ends counted where both are worse."""
    level: float
    severity: Severity
    source: str


def judge(
    value: Measured, slot: int, baseline: Baseline, trait: Trait, level: float, scale: float = 1.0
) -> Judgement | None:
    """None: the reading is healthy, or off by a trifle (its gates times `scale`), or nothing is expected."""
    expected = baseline.centre(slot)
    if expected is None:
        return None
    severity = trait.severity(float(value), expected, scale)
    if severity is None:
        return None
    tail = _tail(value, slot, baseline, trait)
    if tail > level:
        return None
    sides = 2 if trait.worse is Worse.BOTH else 1
    limits = trait.within(baseline.limits(value.n, slot, level / sides))
    return Judgement(expected, limits, tail, level, severity, baseline.source)


def is_back(value: Measured, slot: int, baseline: Baseline, trait: Trait, scale: float) -> bool:
    """Whether a reading of an open episode is inside again."""
    expected = baseline.centre(slot)
    if expected is None:
        return False
    if trait.severity(float(value), expected, scale * LOOSER) is None:
        return True
    return _tail(value, slot, baseline, trait) >= PLAUSIBLE


def differs(value: Measured, episode: Measured, expected: float) -> bool:
    """Whether a rate has left the one of the episode, towards what is expected: few rows tell neither.

    One null of 70 rows fits 0.1 % and fits 5 %. The episode's own rate is as uncertain as its count.
    """
    n, rows = min(value.n, LARGEST), min(episode.n, LARGEST)
    k, hits = round(float(value) * n), float(episode) * rows
    a, b = hits + 0.5, rows - hits + 0.5
    if float(episode) > expected:
        k, a, b = n - k, b, a
    return beta_binomial_sf(k, n, a, b) <= DIFFERENT


def _tail(value: Measured, slot: int, baseline: Baseline, trait: Trait) -> float:
    tails = baseline.tails(value, slot)
    if trait.worse is Worse.BOTH:
        return min(1.0, 2 * min(tails.high, tails.low))
    return tails.high if trait.worse is Worse.UP else tails.low
