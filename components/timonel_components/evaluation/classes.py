"""The figures of each class, where there are more than two."""

import numpy as np

from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.result import Estimate
from timonel_components.metrics.figures import Metric, metric
from timonel_components.metrics.scored import Scored

WANTED = ("precision", "recall", "f1")


def per_class(
    rows: Scored, bootstrap: Bootstrap, classes: tuple[str, ...]
) -> dict[str, dict[str, Estimate]]:
    """Precision, recall and F1 of each class against the rest."""
    metrics: tuple[Metric, ...] = tuple(map(metric, WANTED))
    return {
        name: bootstrap.estimates(_against_rest(rows, k), metrics) for k, name in enumerate(classes)
    }


def _against_rest(rows: Scored, klass: int) -> Scored:
    """The rows as a question of two classes: is it this one? Decided as the model decides."""
    decided = (rows.predicted == klass).astype(float)
    truth = (rows.y == klass).astype(rows.y.dtype)
    return Scored(truth, np.column_stack([1 - decided, decided]), 0.5, rows.costs)
