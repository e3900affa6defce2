"""A package's answers to logged rows, as its predictor gives them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.contract import DataContract, Enforcer, FeatureBatch, FeatureReader
from timonel.package import Package, open_package
from timonel.reference import Classes
from timonel.terms import OnViolation


@dataclass(frozen=True, eq=False)
class Scores:
    """What one version says of n rows."""

    p: NDArray[np.float64]
    """Probability of each class, (n, classes)."""
    decided: NDArray[np.intp]
    """The class that it answers, (n,)."""
    answered: NDArray[np.bool_]
    """Whether it would answer at all, (n,): False for a row that its contract refuses."""


class PackageScorer:
    """Scores rows with the model of a verified package, by the rules of its predictor."""

    def __init__(
        self, package: Package, classes: Sequence[str], threshold: float | None, rule: OnViolation
    ) -> None:
        """`classes` are names in the order that scores are wanted in; the package must have the same ones."""
        self.contract: DataContract = package.contract
        own = class_names(self.contract)
        self._order = [own.index(name) for name in classes]
        packed = package.manifest.threshold
        self._threshold = threshold if threshold is not None else 0.5 if packed is None else packed
        self._positive = len(own) - 1 if len(own) == 2 else None
        self._rejects = rule is OnViolation.REJECT
        self._reader, self._enforcer = FeatureReader(self.contract), Enforcer(self.contract)
        self._model = _model(package)

    @classmethod
    def of(
        cls,
        folder: str,
        digest: str,
        classes: Sequence[str],
        threshold: float | None,
        rule: OnViolation,
    ) -> "PackageScorer":
        """That of a folder; raises Corrupt unless the package has this digest."""
        return cls(open_package(Path(folder), expected_digest=digest), classes, threshold, rule)

    def score(self, rows: pa.Table) -> Scores:
        """Score rows whose columns are named as the contract's; others are left aside."""
        batch = self._reader.from_table(rows)
        answered = np.ones(len(batch), dtype=bool)
        if self._rejects:
            for breach in self._enforcer.breaches(batch):
                answered &= ~breach.rows
        p = self._probabilities(_finite(batch))
        answered &= np.isfinite(p).all(axis=1)
        if self._positive is None:
            own = p.argmax(axis=1)
        else:
            # the predictor compares float32 scores
            own = (p[:, self._positive] >= self._threshold).astype(np.intp)
        place = np.argsort(self._order)
        return Scores(p[:, self._order].astype(np.float64), place[own], answered)

    def _probabilities(self, batch: FeatureBatch) -> NDArray[np.float32]:
        if not len(batch):
            return np.zeros((0, len(self._order)), dtype=np.float32)
        return self._model(batch)


def _model(package: Package) -> Callable[[FeatureBatch], NDArray[np.float32]]:
    """The model as its predictor runs it; what runs it takes seconds to import."""
    if package.manifest.backend == "onnx":
        from timonel_components.conversion.onnx_export import OUTPUT, onnx_inputs, onnx_session

        session = onnx_session((package.path / "model.onnx").read_bytes())
        return lambda batch: np.asarray(session.run([OUTPUT], onnx_inputs(batch))[0])
    from timonel_components.learning.scoring import probabilities
    from timonel_components.learning.skops_io import load_model

    pipeline, contract = load_model(package.path / "model.skops"), package.contract
    return lambda batch: probabilities(pipeline, batch, contract).astype(np.float32)


def class_names(contract: DataContract) -> tuple[str, ...]:
    """The classes by the names that the ledger has."""
    return Classes.of(contract.classes).names


def _finite(batch: FeatureBatch) -> FeatureBatch:
    """An infinite number is served as a missing one."""
    numeric = np.where(np.isinf(batch.numeric), np.float32(np.nan), batch.numeric)
    return FeatureBatch(numeric, batch.categorical, batch.text)
