"""The pictures that count rows: the spread of scores, the confusion matrix."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from timonel_components.evaluation.drawing import (
    ACCENT,
    CONTRAST,
    GRID,
    INK,
    MUTED,
    SERIES,
    canvas,
    shortened,
)
from timonel_components.evaluation.result import Evaluation


def scores(found: Evaluation) -> Figure:
    """How the scores spread, class by class, each as a share of its rows."""
    assert found.scores is not None
    edges = np.array(found.scores.edges)
    with canvas() as (figure, plot):
        for (name, counts), colour in zip(found.scores.counts.items(), SERIES, strict=False):
            share = np.array(counts) / max(1, sum(counts))
            label = f"{shortened(name)} ({sum(counts):,})"
            plot.stairs(share, edges, fill=True, color=colour, alpha=0.25)
            plot.stairs(share, edges, color=colour, linewidth=1.6, label=label)
        _threshold(plot, found.threshold)
        plot.set_xlim(0, 1)
        plot.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        plot.grid(visible=False, axis="x")
        plot.set_xlabel("Score")
        plot.set_ylabel("Share of the class's rows")
        plot.set_title("Scores by true class")
        plot.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.1,
                    handlelength=1.2, columnspacing=1.2, fontsize=9)  # fmt: skip
    return figure


def _threshold(plot: Axes, threshold: float | None) -> None:
    if threshold is None:
        return
    plot.axvline(threshold, color=INK, linewidth=1.2)
    left = threshold > 0.5
    plot.annotate(
        f"threshold {threshold:.3g}", (threshold, 1), xycoords=("data", "axes fraction"),
        xytext=(-5 if left else 5, -10), textcoords="offset points", fontsize=9, color=MUTED,
        ha="right" if left else "left",
    )  # fmt: skip
    plot.set_ylim(top=1.08 * plot.get_ylim()[1])


def confusion(found: Evaluation) -> Figure:
    """Rows by true and predicted class: the count, and its share of the true class."""
    counts = np.array(found.confusion, dtype=float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [shortened(name, 14) for name in found.classes]
    n = len(names)
    with canvas(*(2.6 + 0.9 * n, 2.2 + 0.75 * n) if n > 2 else (5.2, 4.0)) as (figure, plot):
        plot.set_xlim(-0.5, n - 0.5)
        plot.set_ylim(n - 0.5, -0.5)
        for i, j in np.ndindex(n, n):
            _cell(plot, i, j, int(counts[i, j]), float(share[i, j]))
        plot.set_xticks(range(n), names, rotation=0 if n <= 4 else 40)
        plot.set_yticks(range(n), names)
        plot.grid(visible=False)
        plot.spines[:].set_visible(False)
        plot.set_xlabel("Predicted")
        plot.set_ylabel("True")
        plot.set_title("Confusion matrix")
    return figure


def _cell(plot: Axes, i: int, j: int, count: int, share: float) -> None:
    colour = ACCENT if i == j else CONTRAST
    plot.add_patch(_square(j, i, GRID, 0.35))
    plot.add_patch(_square(j, i, colour, 0.10 + 0.6 * share))
    plot.text(j, i - 0.06, f"{count:,}", ha="center", va="center", fontsize=12, fontweight="bold")
    plot.text(j, i + 0.2, f"{share:.1%}", ha="center", va="center", fontsize=9)


def _square(x: int, y: int, colour: str, alpha: float) -> Rectangle:
    return Rectangle((x - 0.48, y - 0.47), 0.96, 0.94, facecolor=colour, alpha=alpha, linewidth=0)
