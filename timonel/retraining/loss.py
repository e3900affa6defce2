"""When the error rate of matured predictions counts as risen."""

from dataclasses import dataclass

from timonel.drift.concept import ESR
from timonel.drift.concept.binomial import upper_limit

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
