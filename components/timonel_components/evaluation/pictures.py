"""The pictures of an evaluation, each from the numbers it holds."""

from collections.abc import Callable

from matplotlib.figure import Figure

from timonel_components.evaluation.drawing import svg
from timonel_components.evaluation.picture_counts import confusion, scores
from timonel_components.evaluation.picture_curves import calibration, costs, precision_recall, roc
from timonel_components.evaluation.picture_ranks import exposure, positions
from timonel_components.evaluation.picture_rows import importances, slice_chart
from timonel_components.evaluation.result import Evaluation

Draw = Callable[[Evaluation], Figure]
MAX_CONFUSION = 12
"""Classes of a confusion matrix that can still be read."""


def pictures(found: Evaluation) -> dict[str, str]:
    """The pictures that the evaluation has numbers for, as SVG by name."""
    wanted: list[tuple[str, Draw, bool]] = [
        ("roc", roc, bool(found.roc)),
        ("precision-recall", precision_recall, bool(found.pr)),
        ("calibration", calibration, bool(found.calibration)),
        ("scores", scores, found.scores is not None),
        ("costs", costs, found.cost is not None),
        ("confusion", confusion, 0 < len(found.classes) <= MAX_CONFUSION),
        ("positions", positions, found.ranking is not None),
        ("exposure", exposure, found.ranking is not None),
        ("importances", importances, bool(found.explanation and found.explanation.importances)),
        ("slices", slice_chart, bool(found.slices)),
    ]
    return {name: svg(draw(found)) for name, draw, possible in wanted if possible}
