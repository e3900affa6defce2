"""Chooses between trained candidates."""

from collections.abc import Sequence

from timonel.errors import BadInput
from timonel_components.learning.trained import TrainedInfo
from timonel_components.metrics.known import higher_is_better


def select(trained: Sequence[TrainedInfo]) -> TrainedInfo:
    """The candidate with the best score on the validation rows; of equals the one trained faster.

    Raises `BadInput` where there is none, or where they were scored by different metrics.
    """
    if not trained:
        raise BadInput("no candidate was trained: there is nothing to choose from")
    metrics = {info.metric for info in trained}
    if len(metrics) > 1:
        raise BadInput(f"the candidates were scored by different metrics: {sorted(metrics)}")
    sign = 1 if higher_is_better(metrics.pop()) else -1
    return max(trained, key=lambda info: (sign * info.score, -info.seconds))
