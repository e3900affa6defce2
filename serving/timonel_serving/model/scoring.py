"""From a batch of features to an answer: the contract first, then the model, then the decision."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.contract import DataContract, Enforcer, FeatureBatch, Rule, Violation
from timonel.errors import BadInput, Corrupt
from timonel.package import Package
from timonel.terms import OnViolation
from timonel_serving.model.runtime import Backend
from timonel_serving.problems import ContractBroken


@dataclass(frozen=True)
class Answer:
    """What the model says of a batch."""

    classes: NDArray[np.intp]
    """For each row the index of its class in the contract."""
    scores: NDArray[np.float32]
    """(n,) probability of the positive class, or (n, classes) where there are more than two."""
    violations: tuple[Violation, ...] = ()
    """What the batch breaks of the contract, where such rows are served and marked."""


class Scorer:
    """One model with its contract and its threshold. Holds no state between calls."""

    def __init__(
        self,
        package: Package,
        backend: Backend,
        *,
        on_violation: OnViolation = OnViolation.REJECT,
        threshold: float | None = None,
    ) -> None:
        self.contract: DataContract = package.contract
        self.backend = backend
        self._enforcer = Enforcer(package.contract)
        self._rejects = on_violation is OnViolation.REJECT
        self._binary = len(package.contract.classes) == 2
        packed = package.manifest.threshold
        self.threshold = threshold if threshold is not None else 0.5 if packed is None else packed

    def check(self, batch: FeatureBatch) -> tuple[Violation, ...]:
        """The violations of a batch; raises `ContractBroken` where they are not served."""
        violations = tuple(self._enforcer.check(batch))
        if violations and self._rejects:
            raise ContractBroken(violations)
        return violations

    def answer(self, batch: FeatureBatch, violations: tuple[Violation, ...] = ()) -> Answer:
        """Score a batch that `check` has let pass."""
        probabilities = self.backend.probabilities(servable(batch, violations))
        if not np.isfinite(probabilities).all():
            raise _no_score(probabilities, violations)
        if self._binary:
            scores = np.ascontiguousarray(probabilities[:, 1])
            return Answer((scores >= self.threshold).astype(np.intp), scores, violations)
        return Answer(probabilities.argmax(axis=1), probabilities, violations)


def servable(batch: FeatureBatch, violations: tuple[Violation, ...]) -> FeatureBatch:
    """An infinite number, which no estimator takes, is served as a missing one."""
    if not any(v.rule is Rule.NOT_FINITE for v in violations):
        return batch
    finite = np.where(np.isinf(batch.numeric), np.float32(np.nan), batch.numeric)
    return FeatureBatch(finite, batch.categorical, batch.text)


def _no_score(
    probabilities: NDArray[np.float32], violations: tuple[Violation, ...]
) -> BadInput | Corrupt:
    row = int((~np.isfinite(probabilities)).any(axis=1).argmax())
    message = f"the model has no score for row {row}"
    if violations:
        return BadInput(f"{message}: {violations[0]}")
    return Corrupt(message)
