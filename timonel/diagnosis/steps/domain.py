"""Reference rows against current rows: how far they can be told apart, and weights that make them alike.

References:
    T. Cai, H. Namkoong, S. Yadlowsky: Diagnosing model performance under distribution shift (DISDE).
    arXiv 2303.02011, 2023: the shared distribution and its weights.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.learner import Learner, cross_fitted
from timonel.diagnosis.loss import Floats, logistic
from timonel.diagnosis.sample import Sample

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Domain:
    """The cross-fitted chance of each row to be a current one, both sides weighing the same."""

    before: Floats
    now: Floats
    keep: Bools
    gain: Floats
    """By column: how much it tells them apart."""

    @property
    def auc(self) -> float:
        """.5: the two cannot be told apart."""
        return auc(self.before, self.now[self.keep])

    def explained_by(self, weight: Floats) -> float | None:
        """The share of AUC - .5 that goes when reference rows are weighted; None where it is nearly .5."""
        over = self.auc - 0.5
        if over < 0.02:
            return None
        return 1 - (auc(self.before, self.now[self.keep], weight) - 0.5) / over

    @property
    def shared(self) -> tuple[Floats, Floats]:
        """Weights of both sides that lead to the distribution which they share."""
        return self.before, np.where(self.keep, 1 - self.now, 0.0)

    @property
    def beyond(self) -> float:
        """The share of current rows that the reference has next to none like."""
        return float((self.now[self.keep] > 0.95).mean()) if self.keep.any() else 0.0


def fit_domain(sample: Sample, learner: Learner, rng: np.random.Generator) -> Domain:
    """Fit it on the rows that are not broken."""
    before, now, categorical = sample.codes()
    codes = np.concatenate([before, now[sample.keep]])
    size = len(before), int(sample.keep.sum())
    outcome = np.repeat([0.0, 1.0], size)
    # neighbours in time share a fold, so that what a day has of its own is not learnt for its other rows
    blocks = [sample.sides.before.block, sample.sides.now.block[sample.keep]]
    fold = np.concatenate([b // 2 % 2 if b.max(initial=0) > 3 else b % 2 for b in blocks])
    even = np.full(len(outcome), 0.0)
    logit, gain = cross_fitted(learner, codes, categorical, outcome, even, fold, rng)
    balance = np.log(max(size[1], 1) / max(size[0], 1))
    chance = logistic(logit - balance)
    full = np.full(len(now), 0.5)
    full[sample.keep] = chance[size[0] :]
    return Domain(chance[: size[0]], full, sample.keep, gain)


def auc(low: Floats, high: Floats, weight: Floats | None = None) -> float:
    """The chance that one of `high` is above one of `low` (weighted); ties count half."""
    if not len(low) or not len(high):
        return 0.5
    w = np.ones(len(low)) if weight is None else weight
    order = np.argsort(low, kind="stable")
    ordered, total = low[order], np.concatenate([[0.0], np.cumsum(w[order])])
    under = total[np.searchsorted(ordered, high, side="left")]
    equal = total[np.searchsorted(ordered, high, side="right")] - under
    return float((under + equal / 2).mean() / total[-1])
