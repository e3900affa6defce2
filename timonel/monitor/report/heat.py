"""Drift of all features in time: darker is farther from the reference, the weightiest feature first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from timonel.anomalies.words import clock
from timonel.monitor.report.markup import Markup, join, shortened, tag
from timonel.monitor.report.plot import HEIGHT, WIDTH, drawing, time_axis
from timonel.monitor.report.scale import TimeScale
from timonel.monitor.report.tables import details, table
from timonel.monitor.report.view import Drift, DriftRow

MOST_ROWS, MOST_COLUMNS = 24, 160
WORDS = ("quiet", "slight", "worth a remark", "worth a ticket", "worth a page")
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Grid:
    """A drift matrix small enough to draw: of several windows in a column the largest effect."""

    starts: tuple[datetime, ...]
    end: datetime
    rows: tuple[DriftRow, ...]
    hidden: int


def heat(drift: Drift, time: TimeScale) -> Markup:
    """The strip with its legend, and its numbers as a table."""
    grid = small(drift)
    strips = [_row(row, grid, drift, time) for row in grid.rows]
    more = (
        f"{grid.hidden:,} more features have smaller effects; the table names the largest 100."
        if grid.hidden
        else ""
    )
    return tag(
        "figure",
        tag("figcaption", legend(drift)),
        tag("div", *strips, class_="heat"),
        time_axis(time),
        tag("p", more, class_="note") if more else None,
        details("Numbers", numbers(drift)),
    )


def weight(row: DriftRow) -> float:
    """Importance times the largest effect."""
    return (1.0 if row.importance is None else row.importance) * _peak(row)


def _peak(row: DriftRow) -> float:
    return max((e for e in row.effects if e is not None), default=0.0)


def _ordered(drift: Drift) -> list[DriftRow]:
    return sorted(drift.rows, key=lambda row: (-weight(row), row.feature))


def small(drift: Drift) -> Grid:
    """The rows of most weight, and as few columns as can be told apart."""
    rows = _ordered(drift)[:MOST_ROWS]
    size = max(1, -(-len(drift.starts) // MOST_COLUMNS))
    small = tuple(
        DriftRow(row.feature, _pooled(row.effects, size), row.importance, row.category)
        for row in rows
    )
    return Grid(drift.starts[::size], drift.end, small, len(drift.rows) - len(rows))


def _pooled(effects: Sequence[float | None], size: int) -> tuple[float | None, ...]:
    blocks = (effects[i : i + size] for i in range(0, len(effects), size))
    return tuple(max((e for e in block if e is not None), default=None) for block in blocks)


def level(effect: float | None, gates: tuple[float, float, float]) -> int:
    """0 to 4 by the gates, the first halved for a slight effect; -1 without data."""
    if effect is None:
        return UNKNOWN
    return sum(effect >= gate for gate in (gates[0] / 2, *gates))


def _row(row: DriftRow, grid: Grid, drift: Drift, time: TimeScale) -> Markup:
    newest, now = newest_effect(row), newest_text(row)
    strip = strip_of(row, grid, drift, time)
    return tag(
        "div",
        tag("span", shortened(row.feature, 28), class_="name", title=row.feature),
        tag("div", strip, class_="strip"),
        tag("span", now, class_=f"value l{level(newest, drift.gates)}"),
        class_="row",
    )


def strip_of(row: DriftRow, grid: Grid, drift: Drift, time: TimeScale) -> Markup:
    """A feature's drift in time."""
    label = f"drift of {row.feature}, now {newest_text(row)}"
    return drawing(*_cells(row, grid, drift, time), label=label)


def newest_text(row: DriftRow) -> str:
    """How far the feature is off in the newest window that has rows."""
    newest = newest_effect(row)
    return "no data" if newest is None else effect_text(newest, row)


def newest_effect(row: DriftRow) -> float | None:
    """The same as a number."""
    return next((e for e in reversed(row.effects) if e is not None), None)


def _cells(row: DriftRow, grid: Grid, drift: Drift, time: TimeScale) -> Iterator[Markup]:
    ends = (*grid.starts[1:], grid.end)
    at = zip(grid.starts, ends, row.effects, strict=True)
    for shade, group in groupby(at, key=lambda cell: level(cell[2], drift.gates)):
        cells = list(group)
        if shade == UNKNOWN:
            continue
        left, right = time.at(cells[0][0]), time.at(cells[-1][1])
        largest = max(e for _, _, e in cells if e is not None)
        said = (
            f"{row.feature}, {clock(cells[0][0])} to {clock(cells[-1][1])}: "
            f"up to {effect_text(largest, row)}, {WORDS[shade]}"
        )
        yield tag(
            "rect",
            tag("title", said),
            x=left * WIDTH,
            y=0,
            width=(right - left) * WIDTH,
            height=HEIGHT,
            class_=f"l{shade}",
        )


def legend(drift: Drift) -> Markup:
    """What the shades mean."""
    low, middle, high = drift.gates
    bounds = (
        f"below {low / 2:g}",
        f"from {low / 2:g}",
        f"from {low:g}",
        f"from {middle:g}",
        f"from {high:g}",
    )
    keys = [
        tag("li", tag("i", class_=f"key box l{i}"), f"{word} ({bound})")
        for i, (word, bound) in enumerate(zip(WORDS, bounds, strict=True))
    ]
    none = tag("li", tag("i", class_="key box none"), "no data")
    return join(
        tag(
            "span",
            "Distance from the reference: numbers in its standard deviations (sd), categories as total "
            "variation (TV), which counts double. Most weight first: importance x largest effect.",
            class_="note",
        ),
        tag("ul", *keys, none, class_="legend"),
    )


def numbers(drift: Drift) -> Markup:
    """A row a feature."""
    rows = []
    for row in _ordered(drift)[:100]:
        known = [(e, at) for e, at in zip(row.effects, drift.starts, strict=True) if e is not None]
        largest = max(known, default=None)
        first = next((at for e, at in known if e >= drift.gates[0]), None)
        rows.append(
            [
                row.feature,
                "unknown" if row.importance is None else f"{row.importance:.3f}",
                newest_text(row),
                "no data"
                if largest is None
                else f"{effect_text(largest[0], row)} at {clock(largest[1])}",
                "never" if first is None else clock(first),
            ]
        )
    head = ["feature", "importance", "newest", "largest", "first worth a remark"]
    return table("Drift of the features, most weight first", head, rows)


def effect_text(effect: float, row: DriftRow) -> str:
    """With its unit."""
    return f"{effect / 2:.2f} TV" if row.category else f"{effect:.2f} sd"
