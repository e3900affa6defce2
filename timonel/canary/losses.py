"""Evidence from means of numbers without a bound: log-loss, money.

The one-sided asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021),
"Time-uniform central limit theory and asymptotic confidence sequences", arXiv 2103.06476: with n numbers
of this sd the mean is above mean - sd sqrt(2 (n r^2 + 1) / (n^2 r^2) ln(1 + sqrt(n r^2 + 1) / (2 alpha)))
at all times at once. Solved for alpha it is an e-value.
"""

import math
from dataclasses import dataclass

from timonel.canary.block import Moments

LEAST = 100
"""Rows below which a sum is not yet near enough to a normal one."""
SHARPEST_AT = 2000.0
"""Rows at which the sequence is about as narrow as it can be."""
RHO2 = 8.0 / SHARPEST_AT
"""r^2: near the paper's optimum, (-2 ln 2a + ln(1 - 2 ln 2a)) / n, for alpha .05 and .01."""


@dataclass(frozen=True)
class Mean:
    """A mean with the spread of its numbers."""

    n: float
    """Rows, or as many independent ones as they are worth."""
    value: float
    sd: float


@dataclass(frozen=True)
class MomentSums:
    """All numbers so far."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def plus(self, more: Moments) -> "MomentSums":
        """With those of a block."""
        return MomentSums(self.n + more.n, self.total + more.total, self.squares + more.squares)

    @property
    def mean(self) -> float:
        """Their mean; of none 0."""
        return self.total / max(self.n, 1)

    @property
    def variance(self) -> float:
        """Their variance."""
        return max(self.squares / max(self.n, 1) - self.mean**2, 0.0)


def of_differences(sums: MomentSums, design_effect: float) -> Mean | None:
    """The mean of paired differences; None while there are too few."""
    if sums.n < LEAST or sums.variance == 0:
        return None
    return Mean(sums.n / design_effect, sums.mean, math.sqrt(sums.variance))


def of_two(stable: MomentSums, canary: MomentSums, design_effect: float) -> Mean | None:
    """The difference of two means, canary less stable, as one mean of so many rows."""
    if min(stable.n, canary.n) < LEAST:
        return None
    variance = stable.variance / stable.n + canary.variance / canary.n
    if variance == 0:
        return None
    n = (stable.n + canary.n) / design_effect
    return Mean(n, canary.mean - stable.mean, math.sqrt(variance * (stable.n + canary.n)))


def log_above(mean: Mean | None, than: float) -> float:
    """The log e-value against "the mean is at most `than`"; 0 while there are too few rows."""
    if mean is None:
        return 0.0
    z2 = mean.n * ((mean.value - than) / mean.sd) ** 2
    grown = mean.n * RHO2 + 1
    x = z2 * mean.n * RHO2 / (2 * grown)
    if mean.value <= than or x < 1e-9:
        return -math.inf
    log_expm1 = x + math.log(-math.expm1(-x))
    return math.log(2) + log_expm1 - math.log(grown) / 2


def log_below(mean: Mean | None, than: float) -> float:
    """The log e-value against "the mean is at least `than`"."""
    mirrored = None if mean is None else Mean(mean.n, -mean.value, mean.sd)
    return log_above(mirrored, -than)


def half_width(mean: Mean, alpha: float) -> float:
    """Half of the interval that holds the mean at all times at once, at both sides together alpha."""
    grown = mean.n * RHO2 + 1
    inside = math.log1p(math.sqrt(grown) / alpha)
    return mean.sd * math.sqrt(2 * grown / (mean.n**2 * RHO2) * inside)
