"""The Shiryaev-Roberts e-detector: has the error rate risen above the healthy one?"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeGuard

from timonel.drift.concept.binomial import upper_limit
from timonel.drift.concept.detector import CountedDetector
from timonel.errors import BadInput

ODDS_RATIOS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""The rises that are looked for, in the odds of an error; the evidence is averaged over them."""

CONFIDENCE = 2 / 3
"""How sure it is that a learnt baseline is not below the true rate; the threshold pays for the rest.

A greater confidence raises the learnt baseline and so the delay; two thirds is near the least delay.
"""


class ESR(CountedDetector):
    """Detects a rise of the mean loss, with a promise on how rarely it is wrong.

    For each alternative q above the baseline p it keeps M <- (M + 1) E, E = 1 + (q - p)(x - p)/(p(1 -
    p)): for errors of 0 and 1 the likelihood ratio of q to p. While the mean of the losses, given the
    past, is at most p, the mean of E is at most 1 and M - n is a supermartingale; so the average of M
    over the alternatives reaches `arl` after `arl` samples or more on average: the average run length
    (ARL). This holds for any losses from 0 to 1 and needs no independence.

    A learnt baseline keeps the promise. It is the exact (Clopper-Pearson) upper limit of the error rate
    of the first `learn` losses at a confidence of 2/3, then frozen, and the threshold is raised to
    `arl` / (2/3). With probability 2/3 or more the limit is not below the true rate, and then the mean
    run is at least the threshold; over all it is at least `arl`. (While learning, losses must be
    independent and of one mean; those between 0 and 1 are rounded to 0 or 1 with the loss as
    probability, which keeps the mean and makes the limit exact for them too.) The learnt baseline never
    moves with later data: it cannot absorb a slow drift.

    One-sided: a drift that leaves the error rate as it was, or lowers it, is not seen; ADWIN sees a fall.
    After an alarm the search starts anew against the same baseline: while the drift lasts it alarms again.
    After retraining call `reset()`, which forgets a learnt baseline.

    Args:
        arl: samples between false alarms, on average at least.
        baseline: the healthy mean loss, between 0 and 1 exclusive; None learns it.
        learn: how many losses to learn it from. No alarm is raised among them.

    Examples:
        >>> import random
        >>> rng = random.Random(7)
        >>> errors = [rng.random() < .10 for _ in range(3000)] + [rng.random() < .20 for _ in range(1000)]
        >>> detector = ESR(baseline=.10)
        >>> for i, error in enumerate(errors):
        ...     detector.update(error)
        ...     if detector.drift_detected:
        ...         print(f"alarm at index {i}")
        ...         break
        alarm at index 3287

        With the baseline learnt from the first 1,000 errors:

        >>> detector = ESR()
        >>> for i, error in enumerate(errors):
        ...     detector.update(error)
        ...     if detector.drift_detected:
        ...         print(f"alarm at index {i}, baseline {detector.baseline:.4f}")
        ...         break
        alarm at index 3324, baseline 0.1129

    References:
        J. Shin, A. Ramdas, A. Rinaldo: E-detectors: a nonparametric framework for sequential change
        detection. New England Journal of Statistics in Data Science 2(2), 2024, sections 2 and 3
        (arXiv 2203.03532).
    """

    def __init__(
        self, arl: float = 100_000, baseline: float | None = None, learn: int = 1000
    ) -> None:
        super().__init__()
        self.arl = _checked_arl(arl)
        self.learn = _checked_learn(learn)
        self._given = None if baseline is None else _checked_baseline(baseline)
        self.threshold = self.arl if self._given is not None else self.arl / CONFIDENCE
        self._restart()

    @property
    def baseline(self) -> float | None:
        """The healthy error rate that losses are compared with; None while it is being learnt."""
        return self._baseline

    @property
    def statistic(self) -> float:
        """The evidence for a rise; the alarm is raised at `threshold`."""
        return sum(self._evidence) / len(self._evidence)

    def _restart(self) -> None:
        self._learnt = self._learnt_errors = 0
        self._evidence = [0.0] * len(ODDS_RATIOS)
        self._set_baseline(self._given)

    def _set_baseline(self, baseline: float | None) -> None:
        self._baseline = baseline
        self._bets = bets(baseline) if baseline is not None and baseline < 1 else []

    def _step(self, loss: float) -> bool:
        if self.statistic >= self.threshold:
            self._evidence = [0.0] * len(ODDS_RATIOS)
        if self._baseline is None:
            self._learn_from(loss)
            return False
        if self._baseline < 1:  # nothing is worse than to err always
            self._evidence = [
                (m + 1) * (bet.right + bet.slope * loss)
                for m, bet in zip(self._evidence, self._bets, strict=True)
            ]
        return self.statistic >= self.threshold

    def _learn_from(self, loss: float) -> None:
        self._learnt += 1
        self._learnt_errors += loss > _uniform(self._learnt)
        if self._learnt == self.learn:
            self._set_baseline(upper_limit(self._learnt_errors, self._learnt, CONFIDENCE))

    def _settings(self) -> dict[str, object]:
        return {"arl": self.arl, "baseline": self._given, "learn": self.learn}

    def _save(self) -> dict[str, object]:
        return {
            "learnt": self._learnt,
            "learnt_errors": self._learnt_errors,
            "evidence": list(self._evidence),
        }

    def _load(self, state: Mapping[str, object]) -> None:
        learnt, errors, evidence = (state.get(k) for k in ("learnt", "learnt_errors", "evidence"))
        if not (isinstance(learnt, int) and isinstance(errors, int) and _is_evidence(evidence)):
            raise BadInput(
                "the saved state of ESR is not whole: learnt, learnt_errors or evidence is missing",
                fix="save it again with state_dict()",
            )
        self._restart()
        self._learnt, self._learnt_errors = learnt, errors
        self._evidence = [float(m) for m in evidence]
        if self._given is None and learnt == self.learn:
            self._set_baseline(upper_limit(errors, learnt, CONFIDENCE))


class Bet(NamedTuple):
    """The factor of one alternative: `right` at a loss of 0, and `slope` more for each unit of loss."""

    right: float
    slope: float


def bets(baseline: float) -> list[Bet]:
    """The likelihood ratios of each alternative to the baseline, as lines in the loss."""
    return [_bet(baseline, ratio) for ratio in ODDS_RATIOS]


def _bet(p: float, odds_ratio: float) -> Bet:
    q = odds_ratio * p / (1 - p + odds_ratio * p)
    right, wrong = (1 - q) / (1 - p), q / p
    return Bet(right, wrong - right)


def _uniform(i: int) -> float:
    """The i-th of a fixed sequence of independent uniform numbers (SplitMix64): no state to save."""
    z = (i * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return ((z ^ (z >> 31)) >> 11) / 2**53


def _is_evidence(values: object) -> TypeGuard[Sequence[float]]:
    return (
        isinstance(values, Sequence)
        and len(values) == len(ODDS_RATIOS)
        and all(isinstance(v, int | float) for v in values)
    )


def _checked_arl(arl: float) -> float:
    if not (math.isfinite(arl) and 1 <= arl <= 1e12):
        raise BadInput(
            f"arl is {arl:g}, expected samples between false alarms: a number from 1 to 1e12",
            fix="arl=100000 gives on average at most one false alarm in 100,000 samples",
        )
    return float(arl)


def _checked_learn(learn: int) -> int:
    if learn < 1:
        raise BadInput(f"learn is {learn}, expected at least 1 loss to learn the baseline from")
    return int(learn)


def _checked_baseline(baseline: float) -> float:
    if not 0 < baseline < 1:
        raise BadInput(
            f"baseline is {baseline:g}, expected a healthy mean loss between 0 and 1, both excluded",
            fix="give the rate that is still healthy, such as .01, or None to learn it",
        )
    return float(baseline)
