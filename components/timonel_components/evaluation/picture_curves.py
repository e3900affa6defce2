"""The pictures that are lines: ROC, precision and recall, calibration, cost."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from timonel_components.evaluation.drawing import (
    ACCENT,
    CONTRAST,
    GRID,
    MUTED,
    SERIES,
    SOFT,
    SURFACE,
    canvas,
    shortened,
)
from timonel_components.evaluation.result import Curve, Evaluation


def roc(found: Evaluation) -> Figure:
    """False alarms against catches."""
    with canvas() as (figure, plot):
        plot.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 4)))
        _curves(plot, found, found.roc, "roc_auc")
        if len(found.classes) == 2:
            caught, false = _rates(found)
            _decision(plot, false, caught)
        _shares(plot, "False positive rate", "True positive rate")
        plot.set_title("ROC curve")
        plot.legend(loc="lower right")
    return figure


def precision_recall(found: Evaluation) -> Figure:
    """Catches against how many alarms are right."""
    with canvas() as (figure, plot):
        base = found.metrics.get("base_rate")
        if base and base.value is not None:
            plot.axhline(base.value, color=MUTED, linewidth=1, linestyle=(0, (4, 4)))
            plot.annotate(
                f"base rate {base.value:.1%}",
                (1, base.value),
                xytext=(0, 4),
                textcoords="offset points",
                ha="right",
                color=MUTED,
                fontsize=9,
            )
        _curves(plot, found, found.pr, "pr_auc")
        precision, recall = found.metrics["precision"].value, found.metrics["recall"].value
        if len(found.classes) == 2 and precision is not None and recall is not None:
            _decision(plot, recall, precision)
        _shares(plot, "Recall", "Precision", 1.0, _tallest(found))
        plot.set_title("Precision and recall")
        plot.legend(loc="best")
    return figure


def calibration(found: Evaluation) -> Figure:
    """What the model says against what happened."""
    bins = found.calibration
    said, happened = np.array([b.score for b in bins]), np.array([b.rate for b in bins])
    errors = np.array([[b.rate - b.low, b.high - b.rate] for b in bins]).T
    with canvas() as (figure, plot):
        top = min(1.0, 1.08 * max(said.max(), max(b.high for b in bins)))
        plot.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle=(0, (4, 4)))
        plot.errorbar(
            said, happened, yerr=errors.clip(0), color=ACCENT, ecolor=SOFT, elinewidth=2, marker="o",
            markersize=5.5, markeredgecolor=SURFACE, linewidth=1.5,
        )  # fmt: skip
        _shares(plot, "Mean score", "Share that came true", top, top)
        plot.set_title("Calibration")
        plot.annotate("perfect", (0.97 * top, 0.97 * top), xytext=(-12, -3),
                      textcoords="offset points", ha="right", color=MUTED, fontsize=9)  # fmt: skip
    return figure


def costs(found: Evaluation) -> Figure:
    """What errors cost at each threshold, and where the chosen one stands."""
    assert found.cost is not None
    with canvas() as (figure, plot):
        plot.plot(found.cost.x, found.cost.y, color=ACCENT)
        spent = found.metrics["cost"].value
        if found.threshold is not None and spent is not None:
            plot.axvline(found.threshold, color=GRID, linewidth=1.2, zorder=1)
            _decision(plot, found.threshold, spent)
            plot.legend(loc="best")
        plot.set_xlim(-0.015, 1.015)
        plot.set_ylim(0, _dearest(found.cost, spent or 0.0))
        plot.set_xlabel("Threshold")
        plot.set_ylabel("Mean cost of a row")
        plot.set_title("Cost of errors")
    return figure


def _curves(plot: Axes, found: Evaluation, lines: dict[str, Curve], name: str) -> None:
    single = len(lines) == 1
    for (label, curve), colour in zip(lines.items(), SERIES, strict=False):
        text = f"{name} {found.metrics[name]}" if single else shortened(label)
        plot.plot(curve.x, curve.y, color=colour, label=text)
        if single:
            plot.fill_between(curve.x, curve.y, color=colour, alpha=0.08, linewidth=0)


def _rates(found: Evaluation) -> tuple[float, float]:
    """True and false positive rate at the threshold."""
    (kept, false), (missed, caught) = found.confusion
    return caught / max(1, caught + missed), false / max(1, false + kept)


def _decision(plot: Axes, x: float, y: float) -> None:
    plot.plot([x], [y], marker="o", markersize=8, color=CONTRAST, markeredgecolor=SURFACE,
              linestyle="none", label="at the threshold", zorder=5, clip_on=False)  # fmt: skip


def _tallest(found: Evaluation) -> float:
    """The top of the precision axis: all of it, unless precision stays far below one."""
    reached = [
        y for line in found.pr.values() for x, y in zip(line.x, line.y, strict=True) if x >= 0.02
    ]
    top = 1.5 * max(reached, default=1.0)
    return 1.0 if top > 0.6 else top


def _dearest(line: Curve, spent: float) -> float:
    """The top of the cost axis: alarming on all rows may cost so much that nothing else shows."""
    worth_showing = 5 * max(spent, line.y[-1])
    return 1.12 * min(max(line.y), worth_showing or max(line.y)) or 1.0


def _shares(plot: Axes, x: str, y: str, right: float = 1.0, top: float = 1.0) -> None:
    for axis, limit, end, label in (
        (plot.xaxis, plot.set_xlim, right, x),
        (plot.yaxis, plot.set_ylim, top, y),
    ):
        limit(-0.015 * end, 1.015 * end)
        axis.set_major_formatter(PercentFormatter(1, decimals=0 if end > 0.1 else 1))
        axis.set_label_text(label)
