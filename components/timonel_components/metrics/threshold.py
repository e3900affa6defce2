"""The threshold whose errors cost least."""

import numpy as np

from timonel.config import Costs
from timonel_components.metrics.scored import Labels, Probabilities


def best_threshold(y: Labels, score: Probabilities, costs: Costs) -> float:
    """The threshold in [0, 1] whose errors cost least on these rows.

    It lies midway between two neighbouring scores, so that rounding flips no row. Among equally good
    ones the nearest to the threshold that is right for true probabilities, fp / (fp + fn), is taken.
    """
    order = np.argsort(-score, kind="stable")
    ranked, positive = score[order].astype(np.float64), y[order] == 1
    ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    alarms = np.append(0, ends + 1)
    caught = np.append(0, np.cumsum(positive)[ends])
    cost = (alarms - caught) * costs.false_positive + (positive.sum() - caught) * (
        costs.false_negative
    )
    values = np.concatenate([[1.0], ranked[ends], [0.0]])
    cuts = (values[:-1] + values[1:]) / 2
    if ranked[0] >= 1.0:  # a score of 1 is always an alarm
        cost, cuts = cost[1:], cuts[1:]
    if ranked[-1] <= 0.0:
        cuts[-1] = 0.0
    best = np.flatnonzero(np.isclose(cost, cost.min(), rtol=1e-12, atol=0))
    total = costs.false_positive + costs.false_negative
    ideal = costs.false_positive / total if total else 0.5
    return float(cuts[best[np.abs(cuts[best] - ideal).argmin()]])
