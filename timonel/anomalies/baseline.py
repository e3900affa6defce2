"""What a healthy window looks like: where it lies, and how improbable one is that lies elsewhere."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from timonel.anomalies.tails import (
    LARGEST,
    beta_binomial_limit,
    beta_binomial_sf,
    student_limit,
    student_sf,
)
from timonel.performance.value import Measured

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SLOTS = 48
"""Hour of the day in UTC, by weekday or weekend."""
FREEDOM = 30
"""Degrees of freedom of a spread, at most: its tails stay heavier than the normal's."""
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Tails:
    """How probable a healthy window is that is at least as high, and at least as low."""

    high: float
    low: float


class Baseline(Protocol):
    """Healthy windows of one metric at one place."""

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        ...

    def centre(self, slot: int) -> float | None:
        """The expected value; None: nothing is known of this slot yet."""
        ...

    def tails(self, value: Measured, slot: int) -> Tails:
        """Of a window with a value, in a slot with a centre."""
        ...

    def limits(self, n: int, slot: int, level: float) -> tuple[float, float]:
        """The range that a healthy window of n rows leaves with probability `level` at each end."""
        ...


@dataclass(frozen=True)
class RateBaseline:
    """Counts of n rows at a rate that itself varies: the beta-binomial predictive law.

    With p the pooled rate of the slot over N rows in m windows, and rho the correlation of rows in one
    window, the rate of the next window has variance p(1-p)(rho + rho/m + 1/N): its own wandering and the
    uncertainty of p. Without any event seen, p is 1/2 of one row in N + 1.
    """

    hits: Floats
    rows: Floats
    windows: Floats
    rho: float
    source: str

    def centre(self, slot: int) -> float | None:
        """The pooled rate."""
        if self.windows[slot] < 1:
            return None
        return float(self.hits[slot] / self.rows[slot])

    def tails(self, value: Measured, slot: int) -> Tails:
        """From the count that the rate of n rows means."""
        n = min(value.n, LARGEST)
        k = round(float(value) * n)
        a, b = self._beta(slot)
        return Tails(beta_binomial_sf(k, n, a, b), beta_binomial_sf(n - k, n, b, a))

    def limits(self, n: int, slot: int, level: float) -> tuple[float, float]:
        """The greatest and the least count that are still healthy, as rates."""
        n = max(1, min(n, LARGEST))
        a, b = self._beta(slot)
        high = beta_binomial_limit(n, a, b, level) - 1
        return 1 - (beta_binomial_limit(n, b, a, level) - 1) / n, high / n

    def _beta(self, slot: int) -> tuple[float, float]:
        rows = float(self.rows[slot])
        p = min(max(float(self.hits[slot]) / rows, 0.5 / (rows + 1)), 1 - 0.5 / (rows + 1))
        spread = self.rho * (1 + 1 / float(self.windows[slot])) + 1 / (rows + 1)
        weight = max(1 / min(spread, 0.99) - 1, 0.01)
        return p * weight, (1 - p) * weight


@dataclass(frozen=True)
class LevelBaseline:
    """A number around the slot's median, with one robust spread for all slots; Student's t beyond it.

    The spread belongs to windows of `typical` rows; one with fewer varies more, by the square root. A
    window must besides be further off than every healthy one seen: heavy tails are learnt, not assumed.
    """

    centres: Floats
    """On the scale that is judged: logarithms if `log`. NaN where the slot is not known."""
    windows: Floats
    spread: float
    furthest: float
    typical: float
    freedom: int
    log: bool
    source: str
    error: float = 0.0
    """Standard error of the centre where it was given rather than learnt."""

    def centre(self, slot: int) -> float | None:
        """The slot's median."""
        c = float(self.centres[slot])
        if math.isnan(c):
            return None
        return math.exp(c) if self.log else c

    def tails(self, value: Measured, slot: int) -> Tails:
        """Student's t of the standardised departure."""
        x = float(value)
        if self.log and x <= 0:
            return Tails(1.0, 1.0)  # no logarithm; that the traffic stopped is said elsewhere
        off = (math.log(x) if self.log else x) - float(self.centres[slot])
        if abs(off) <= self.furthest:
            return Tails(1.0, 1.0)
        t = off / self._sd(value.n, slot)
        return Tails(student_sf(t, self.freedom), student_sf(-t, self.freedom))

    def limits(self, n: int, slot: int, level: float) -> tuple[float, float]:
        """Symmetric on the scale that is judged."""
        reach = max(student_limit(level, self.freedom) * self._sd(n, slot), self.furthest)
        c = float(self.centres[slot])
        low, high = c - reach, c + reach
        return (math.exp(low), math.exp(min(high, 700.0))) if self.log else (low, high)

    def _sd(self, n: int, slot: int) -> float:
        thin = max(1.0, self.typical / max(n, 1))
        learnt = math.pi / 2 / max(float(self.windows[slot]), 1)
        return math.hypot(self.spread * math.sqrt(thin + learnt), self.error)


@dataclass(frozen=True)
class FigureBaseline:
    """One figure of the reference and its interval, until windows have shown how much they vary."""

    figure: Measured
    source: str

    def centre(self, slot: int) -> float | None:
        """The figure."""
        return self.figure.value

    def tails(self, value: Measured, slot: int) -> Tails:
        """Normal, from both intervals; a reading without an interval is never improbable."""
        error = standard_error(value)
        if not error:
            return Tails(1.0, 1.0)
        z = (float(value) - float(self.figure)) / math.hypot(error, standard_error(self.figure))
        return Tails(math.erfc(z / math.sqrt(2)) / 2, math.erfc(-z / math.sqrt(2)) / 2)

    def limits(self, n: int, slot: int, level: float) -> tuple[float, float]:
        """The figure's interval, widened to windows of n rows."""
        scale = math.sqrt(1 + self.figure.n / max(n, 1)) * standard_error(self.figure)
        reach = student_limit(level, FREEDOM) * scale
        return float(self.figure) - reach, float(self.figure) + reach


def standard_error(figure: Measured) -> float:
    """A standard error from the 95 % interval; 0 without one."""
    if figure.lower is None or figure.upper is None:
        return 0.0
    return (figure.upper - figure.lower) / (2 * Z95)
