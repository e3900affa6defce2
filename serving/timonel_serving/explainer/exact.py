"""Exact explanations: of a model's margin, and of the mean probability of calibrated models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit

from timonel_serving.explainer.explanation import Explanation, Space, ranked
from timonel_serving.explainer.margins import Floats, Margins, Shares

MOST_TERMS = 100
"""Terms of a text that are named; what the others contribute is summed."""
OTHER_TERMS = "(other terms)"


@dataclass(frozen=True)
class MarginMethod:
    """Explains a model in the space in which it adds up by itself."""

    encoder: Any
    """The pipeline's steps before the model."""
    margins: Margins
    names: Sequence[str]
    space: Space = "log-odds"

    @property
    def name(self) -> str:
        """How the margin is split."""
        return self.margins.name

    def explain(self, rows: Any, classes: NDArray[np.intp]) -> Sequence[Explanation]:
        """Explain the margin of each row's class."""
        return _explanations(self.margins.shares(self.encoder.transform(rows), classes), self.names)


@dataclass(frozen=True)
class Calibrated:
    """One member of a calibrated ensemble: its probability is expit(slope * margin + offset)."""

    margins: Margins
    slope: float
    offset: float


@dataclass(frozen=True)
class CalibratedMethod:
    """Explains the mean probability of calibrated models of two classes.

    Each margin's parts are carried through its calibration by the rescale rule (DeepLIFT, Shrikumar
    et al. 2017): they are multiplied by (p - p0) / (m - m0), so that they add up in probability.
    """

    encoder: Any
    members: Sequence[Calibrated]
    names: Sequence[str]
    space: Space = "probability"

    @property
    def name(self) -> str:
        """How the margins are split, and what became of the parts."""
        return f"{self.members[0].margins.name}, rescaled"

    def explain(self, rows: Any, classes: NDArray[np.intp]) -> Sequence[Explanation]:
        """Explain the probability of the positive class."""
        encoded = self.encoder.transform(rows)
        found = [_rescaled(member, encoded, classes) for member in self.members]
        share = 1 / len(found)
        base = sum((s.base for s in found), np.zeros(len(classes))) * share
        margin = sum((s.margin for s in found), np.zeros(len(classes))) * share
        parts = found[0].parts
        for other in found[1:]:
            parts = parts + other.parts
        return _explanations(Shares(base, parts * share, margin), self.names)


def _rescaled(member: Calibrated, encoded: Any, classes: NDArray[np.intp]) -> Shares:
    shares = member.margins.shares(encoded, classes)
    p0 = expit(member.slope * shares.base + member.offset)
    p = expit(member.slope * shares.margin + member.offset)
    distance = shares.margin - shares.base
    near = np.abs(distance) < 1e-9
    factor = np.where(near, member.slope * p * (1 - p), (p - p0) / np.where(near, 1.0, distance))
    return Shares(p0, _times(shares.parts, factor), p)


def _times(parts: Any, factor: Floats) -> Any:
    if sparse.issparse(parts):
        return (sparse.diags(factor) @ parts).tocsr()
    return parts * factor[:, None]


def _explanations(shares: Shares, names: Sequence[str]) -> list[Explanation]:
    return [
        Explanation(float(shares.base[i]), float(shares.margin[i]), _row(shares.parts, i, names))
        for i in range(len(shares.base))
    ]


def _row(parts: Any, i: int, names: Sequence[str]) -> dict[str, float]:
    if not sparse.issparse(parts):
        return ranked(names, parts[i])
    row = parts[i]
    return ranked([names[j] for j in row.indices], row.data, MOST_TERMS, OTHER_TERMS)
