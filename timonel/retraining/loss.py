"""When the error rate of matured predictions counts as risen."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from timonel.drift.concept import ESR
from timonel.drift.concept.binomial import upper_limit

STRETCHES = (10, 20, 50, 100, 200, 500)
LATELY = 1000
"""Predictions before an alarm among which the stretch is looked for that it rests on."""
CONFIDENCE = 0.95
"""How sure it is that the usual rate is not set too low; the threshold pays for the rest."""


@dataclass(frozen=True, slots=True)
class Errors:
    """How often a model was wrong."""

    wrong: int
    n: int

    @property
    def rate(self) -> float:
        """The share of wrong predictions."""
        return self.wrong / self.n

    def surely_above(self, other: "Errors") -> bool:
        """Whether the exact intervals of the two rates are apart."""
        return 1 - upper_limit(self.n - self.wrong, self.n, CONFIDENCE) > upper_limit(
            other.wrong, other.n, CONFIDENCE
        )


@dataclass(frozen=True, slots=True)
class Rise:
    """What an alarm of the error rate rests on."""

    rate: float
    """Of the newest `n` predictions."""
    n: int
    usual: float
    """The rate that it is held against."""

    def __str__(self) -> str:
        return (
            f"{self.rate:.1%} of the {self.n:,} predictions before the alarm were wrong,"
            f" {self.usual:.1%} at most is usual"
        )


OVER, BLOCK, NEWEST = 1000, 100, 4
"""An alarm is over by at least so many predictions, looked at in blocks; by one in four of all since it."""


@dataclass(slots=True)
class Calm:
    """Whether an alarm is over: the newest `OVER` predictions, or the newest quarter of all since the
    alarm if that is more, are wrong no more often than is usual.

    Over a mild rise that lasts, a fixed stretch is as usual by chance sooner or later; one that
    grows with the rise is not.
    """

    usual: float
    wrong: int = 0
    n: int = 0
    ends: list[int] = field(default_factory=lambda: [0])
    """How many were wrong up to the end of each block."""

    def see(self, wrong: bool) -> bool:
        """Take the next prediction; whether the alarm is over with it."""
        self.wrong, self.n = self.wrong + wrong, self.n + 1
        if self.n % BLOCK:
            return False
        self.ends.append(self.wrong)
        blocks = max(OVER, self.n // NEWEST) // BLOCK
        if blocks >= len(self.ends):
            return False
        return self.wrong - self.ends[-1 - blocks] <= blocks * BLOCK * self.usual


def rise(lately: Sequence[bool], usual: float) -> Rise:
    """The stretch that ends in an alarm and stands out most: a sharp rise is a short one."""
    wrong = np.cumsum(np.asarray(lately, dtype=np.float64)[::-1])
    stretches = np.array([n for n in STRETCHES if n < len(wrong)] + [len(wrong)])
    rates = wrong[stretches - 1] / stretches
    best = int(np.argmax((rates - usual) * np.sqrt(stretches)))
    return Rise(float(rates[best]), int(stretches[best]), usual)


def watch_errors(usual: Errors | None, run_length: float) -> ESR:
    """An e-SR detector with `run_length` predictions between two false alarms, on average at least.

    `usual` is what the model showed on rows that it was not fitted to: a learnt baseline would cost the
    first 1,000 labels after each training, and take a model that is bad from its first day for healthy.
    The baseline is the exact upper limit of its rate. None, or errors in all rows: it is learnt.
    """
    if usual is None or usual.wrong >= usual.n:
        return ESR(arl=run_length)
    limit = upper_limit(usual.wrong, usual.n, CONFIDENCE)
    return ESR(arl=run_length / CONFIDENCE, baseline=limit)
