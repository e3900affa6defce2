"""The pictures that have a row for each feature or group."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from timonel_components.evaluation.drawing import (
    ACCENT,
    CONTRAST,
    GRID,
    MUTED,
    SOFT,
    SURFACE,
    canvas,
    shortened,
)
from timonel_components.evaluation.result import Evaluation, Importance, Slice
from timonel_components.metrics.scored import Floats

TOP = 12
MAX_SLICES = 30
LEVELS = LinearSegmentedColormap.from_list("levels", ["#3b6fd4", "#9b8fc0", "#e0453a"])
"""From a feature's low values to its high ones."""


def importances(found: Evaluation) -> Figure:
    """How much worse the model gets without a feature, and how far a feature moves a score."""
    assert found.explanation is not None
    top = sorted(found.explanation.importances, key=lambda i: -(i.shap or 0))[:TOP]
    with canvas(10.8, 1.5 + 0.34 * max(4, len(top))) as (figure, _):
        figure.clear()
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.35))
        _permutations(left, top)
        if all(i.effects for i in top):
            _swarm(figure, right, top)
        else:
            _bars(right, top)
        left.set_yticks(range(len(top)), [shortened(i.feature) for i in top])
        left.set_ylim(len(top) - 0.5, -0.5)
        for plot in (left, right):
            plot.grid(visible=False, axis="y")
            plot.spines["left"].set_visible(False)
    return figure


def slice_chart(found: Evaluation) -> Figure:
    """The selection metric of each group, with its interval, against all rows."""
    shown = found.slices[:MAX_SLICES]
    name = found.selection_metric
    with canvas(10.8, 1.4 + 0.3 * len(shown)) as (figure, plot):
        whole = found.metrics[name].value
        if whole is not None:
            plot.axvline(whole, color=MUTED, linewidth=1, linestyle=(0, (4, 4)))
            plot.annotate(f"all rows {whole:.3g}", (whole, 1), xycoords=("data", "axes fraction"),
                          xytext=(4, 2), textcoords="offset points", color=MUTED, fontsize=9)  # fmt: skip
        for y, group in enumerate(shown):
            _group(plot, y, group, name)
        labels = [shortened(f"{g.column} = {g.group}", 34) + f"  ({g.rows:,})" for g in shown]
        plot.set_yticks(range(len(shown)), labels)
        plot.set_ylim(len(shown) - 0.5, -0.5)
        plot.grid(visible=False, axis="y")
        plot.spines["left"].set_visible(False)
        plot.set_xlabel(f"{name}, {found.confidence:.0%} interval")
        plot.set_title("Groups", pad=18)
    return figure


def _group(plot: Axes, y: int, group: Slice, name: str) -> None:
    figure = group.metrics[name]
    if figure.value is None or figure.low is None or figure.high is None:
        plot.text(0.01, y, "undefined", transform=plot.get_yaxis_transform(), va="center",
                  color=MUTED, fontsize=9)  # fmt: skip
        return
    plot.plot([figure.low, figure.high], [y, y], color=SOFT, linewidth=5)
    plot.plot([figure.value], [y], marker="o", markersize=7, color=ACCENT, markeredgecolor=SURFACE)


def _permutations(plot: Axes, top: list[Importance]) -> None:
    for y, i in enumerate(top):
        colour = ACCENT if i.permutation > 0 else MUTED
        plot.barh(y, i.permutation, height=0.62, color=colour, alpha=0.85)
        plot.plot([i.low, i.high], [y, y], color=CONTRAST, linewidth=1.6)
    plot.axvline(0, color=GRID, linewidth=1)
    plot.set_xlabel("Rise of log loss when shuffled")
    plot.set_title("What the quality rests on")


def _bars(plot: Axes, top: list[Importance]) -> None:
    plot.barh(range(len(top)), [i.shap or 0 for i in top], height=0.62, color=ACCENT, alpha=0.85)
    plot.set_xlabel("Mean absolute SHAP value (log odds)")
    plot.set_title("What moves single scores")


def _swarm(figure: Figure, plot: Axes, top: list[Importance]) -> None:
    plot.axvline(0, color=GRID, linewidth=1)
    mapped = None
    for y, i in enumerate(top):
        effects = np.array(i.effects)
        places = y + _spread(effects)
        if i.levels:
            mapped = plot.scatter(effects, places, c=i.levels, cmap=LEVELS, vmin=0, vmax=1, s=9,
                                  linewidths=0)  # fmt: skip
        else:
            plot.scatter(effects, places, color=MUTED, s=9, linewidths=0)
    if mapped is not None:
        bar = figure.colorbar(mapped, ax=plot, ticks=[0, 1], fraction=0.03, pad=0.02)
        bar.ax.set_yticklabels(["low", "high"])
        bar.set_label("Value (grey: category)", labelpad=-14)
        bar.outline.set_visible(False)
    plot.set_xlabel("SHAP value (log odds, right: towards the positive class)")
    plot.set_title("What moves single scores")


def _spread(values: Floats, bins: int = 60) -> Floats:
    """Offsets that keep points of nearly equal value apart, as wide as there are many of them."""
    span = float(np.ptp(values)) or 1.0
    group = ((values - values.min()) / span * (bins - 1)).astype(int)
    rank = np.zeros(len(values))
    for k in np.unique(group):
        members = np.flatnonzero(group == k)
        rank[members] = np.arange(len(members)) - (len(members) - 1) / 2
    widest = np.abs(rank).max() or 1.0
    offsets: Floats = rank / widest * min(0.4, 0.04 * widest)
    return offsets
