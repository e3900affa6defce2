"""How large a drift must be to matter, and how much."""

from collections.abc import Mapping

import numpy as np

from timonel.drift.scan.effects import Floats
from timonel.errors import BadInput
from timonel.reference.bins import Bins

GATES = (0.1, 0.2, 0.5)
"""Info, ticket, page: in standard deviations; half of these for categories."""
MOST_WEIGHT = 2.0


def gates_of(bins: tuple[Bins, ...], weights: Mapping[str, float] | None) -> Floats:
    """Info, ticket, page (F, 3) in sd; twice the mean importance halves them, half of it doubles them."""
    relative = np.ones(len(bins))
    if weights:
        mean = _mean(weights, {b.name for b in bins})
        relative = np.array([weights.get(b.name, mean) / mean for b in bins])
    return np.asarray(GATES / np.clip(relative, 1 / MOST_WEIGHT, MOST_WEIGHT)[:, None])


def _mean(weights: Mapping[str, float], features: set[str]) -> float:
    values = np.array(list(weights.values()), dtype=np.float64)
    if weights.keys() - features or not (values >= 0).all() or not 0 < values.sum() < np.inf:
        raise BadInput(
            f"weights are {dict(weights)}, expected numbers of 0 or more, not all 0,"
            f" for features among {sorted(features)}"
        )
    return float(values.mean())
