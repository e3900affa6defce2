"""The pictures of a ranking: what each place of a list is worth, and how unequally items are shown."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from timonel_components.evaluation.drawing import ACCENT, CONTRAST, MUTED, SOFT, canvas
from timonel_components.evaluation.result import Evaluation


def positions(found: Evaluation) -> Figure:
    """How often the item at each place was chosen."""
    assert found.ranking is not None
    rates = found.ranking.by_position
    with canvas() as (figure, plot):
        plot.bar(np.arange(1, len(rates) + 1), rates, color=ACCENT, width=0.7)
        plot.grid(visible=False, axis="x")
        plot.xaxis.set_major_locator(MaxNLocator(integer=True))
        plot.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        plot.set_xlabel("Place in the list")
        plot.set_ylabel("Lists whose item was chosen")
        plot.set_title("What each place is worth")
    return figure


def exposure(found: Evaluation) -> Figure:
    """The Lorenz curve of exposure: the diagonal shows all items as often."""
    assert found.ranking is not None
    curve = found.ranking.exposure
    with canvas() as (figure, plot):
        plot.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 4)))
        plot.fill_between(curve.x, curve.y, curve.x, color=SOFT, alpha=0.35, linewidth=0)
        gini = found.metrics["gini"].value
        label = "this ranker" if gini is None else f"this ranker, Gini {gini:.2f}"
        plot.plot(curve.x, curve.y, color=CONTRAST, label=label)
        for axis in (plot.xaxis, plot.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        plot.set_xlabel("Items, the least shown first")
        plot.set_ylabel("Share of all places")
        plot.set_title("How unequally items are shown")
        plot.legend(loc="upper left")
    return figure
