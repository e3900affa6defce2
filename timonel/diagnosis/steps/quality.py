"""What broken features cost: repaired where a model can score the repair, else told by the broken rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.diagnosis.cause import Cause, Confidence
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.columns import Column
from timonel.diagnosis.facts.features import Breakage
from timonel.diagnosis.finding import Scope
from timonel.diagnosis.loss import Floats, log_loss
from timonel.diagnosis.resampling import clear
from timonel.diagnosis.rows import Rows
from timonel.diagnosis.sample import Sample

CANDIDATES = 5
"""Columns, by how far they moved, whose repair is tried."""
PAIRS = 4
"""Of the columns that moved most, these are tried in each other's place."""
CLEAR = 4.0
LEAST = 0.15
"""A repair that takes a smaller part of the change away may be chance."""
MATERIAL = 0.02
"""Of the reference's loss: the least that the repair of an unsuspected column must save."""
MOVED = 0.04
"""A column that moved by less is not what is wrong."""
ENOUGH = 200
"""Rows that a mean loss needs."""
BINS = 50

Rescore = Callable[[Rows], Floats | None]


@dataclass(frozen=True, eq=False)
class Repair:
    """Columns as they may have been meant, and the scores that they give."""

    columns: tuple[str, ...]
    how: str
    values: tuple[Floats, ...]
    score: Floats
    saved: Floats
    """(1 + TIMES,): the mean loss that the repair takes away."""


def repairs(
    sample: Sample, rescore: Rescore, suspects: frozenset[str]
) -> Iterator[tuple[Sample, Claim]]:
    """Whole columns: mapped back to the reference's ranks or to each other's place, and scored again.

    A shift of the population is not mended by it - those rows are scored right - so the loss falls only
    where the column itself is wrong. `suspects` are columns that show by themselves to be broken.
    """
    taken: set[str] = set()
    while len(taken) < 3:
        best = max(_tried(sample, rescore, taken), key=lambda r: r.saved[0], default=None)
        least = max(LEAST * abs(sample.change[0]), MATERIAL * sample.lost_before.mean())
        floor = 0.0 if best and set(best.columns) & suspects else least
        if best is None or clear(best.saved) < CLEAR or best.saved[0] <= floor:
            return
        taken |= set(best.columns)
        known = bool(set(best.columns) & suspects)
        yield _repaired(sample, best), _claim(sample, best, known)
        sample = _repaired(sample, best)


def _tried(sample: Sample, rescore: Rescore, taken: set[str]) -> Iterator[Repair]:
    moved = sorted(
        (c for c in sample.columns if c.numeric and c.name not in taken and not _tied(c)),
        key=lambda c: -moved_by(c),
    )
    for column in moved[:CANDIDATES]:
        if moved_by(column) > MOVED:
            values = rank_mapped(column)
            how = "mapped back to the reference's ranks"
            yield from _scored(sample, rescore, (column,), (values,), how)
    for a, b in combinations(moved[:PAIRS], 2):
        rows = swapped_rows(a, b, (a.current, b.current))
        usual = swapped_rows(a, b, (a.reference, b.reference)).mean()
        if rows.mean() > MOVED + 2 * usual:
            values2 = np.where(rows, b.current, a.current), np.where(rows, a.current, b.current)
            how = f"changed back to each other's place in {rows.mean():.0%} of the rows"
            yield from _scored(sample, rescore, (a, b), values2, how)


def _scored(
    sample: Sample,
    rescore: Rescore,
    columns: tuple[Column, ...],
    values: tuple[Floats, ...],
    how: str,
) -> Iterator[Repair]:
    names = tuple(column.name for column in columns)
    rows = with_values(sample.sides.current, dict(zip(names, values, strict=True)))
    score = rescore(rows)
    if score is None:
        return
    score = np.where(np.isnan(score), sample.now, score)
    saved = sample.lost_now - log_loss(sample.sides.current.outcome, score)
    yield Repair(names, how, values, score, sample.sides.now.means(saved))


def _repaired(sample: Sample, repair: Repair) -> Sample:
    fixed = dict(zip(repair.columns, repair.values, strict=True))
    columns = tuple(
        replace(c, current=fixed[c.name]) if c.name in fixed else c for c in sample.columns
    )
    part = _capped(repair.saved, sample.left)
    return replace(sample, now=repair.score, columns=columns).without(part)


def _claim(sample: Sample, repair: Repair, known: bool) -> Claim:
    names = " and ".join(repair.columns)
    text = f"with {names} {repair.how}, the log-loss falls by {repair.saved[0]:.4g}"
    return Claim(
        cause=Cause.DATA_QUALITY,
        scope=Scope(repair.columns),
        evidence=(text,),
        part=_capped(repair.saved, sample.left),
        confidence=Confidence.HIGH if known else Confidence.MEDIUM,
    )


def broken_rows(sample: Sample, found: tuple[Breakage, ...]) -> tuple[Sample, Claim]:
    """Rows that are broken in one column: their share times what they lose more than the others."""
    column = sample.column(found[0].column)
    rows = np.logical_or.reduce([b.mask(column, sample.sides.current) for b in found])
    rows &= sample.keep
    claim = Claim(
        cause=Cause.DATA_QUALITY,
        scope=Scope((column.name,)),
        evidence=tuple(b.text for b in found),
    )
    if not rows.any():
        return sample, claim
    lost, others = sample.lost_now, sample.keep & ~rows
    usual = float(lost[others].mean() if others.sum() >= ENOUGH else sample.lost_before.mean())
    part = sample.sides.now.means(np.where(rows, lost - usual, 0.0))
    part = _capped(part, sample.left) if part[0] > 0 else np.zeros_like(part)
    return replace(sample, keep=others).without(part), replace(claim, part=part)


def _capped(part: Floats, left: Floats) -> Floats:
    """No more than is left to explain: rows that are broken may be dear for other reasons too."""
    return np.where(left > 0, np.minimum(part, np.maximum(left, 0)), part)


def _tied(column: Column) -> bool:
    """Whether many more rows than before have one value: what their ranks were is lost."""
    before, now = (_commonest(v[~np.isnan(v)]) for v in (column.reference, column.current))
    return now > 0.5 + before / 2


def _commonest(values: Floats) -> float:
    """The share of the most frequent value; 1 of none."""
    if not len(values):
        return 1.0
    return float(np.unique(values, return_counts=True)[1].max()) / len(values)


def moved_by(column: Column) -> float:
    """The greatest distance of the two distribution functions (total variation of categories)."""
    before, now = (v[~np.isnan(v)] for v in (column.reference, column.current))
    if not len(before) or not len(now):
        return 0.0
    if not column.numeric:
        size = int(max(before.max(), now.max())) + 1
        shares = (np.bincount(v.astype(np.int64), minlength=size) / len(v) for v in (before, now))
        a, b = shares
        return float(np.abs(a - b).sum() / 2)
    grid = np.unique(np.quantile(np.concatenate([before, now]), np.linspace(0, 1, 101)))
    a, b = (np.searchsorted(np.sort(v), grid, side="right") / len(v) for v in (before, now))
    return float(np.abs(a - b).max())


def rank_mapped(column: Column) -> Floats:
    """Each current value at the quantile of the reference that it has among the current ones."""
    now = column.current
    known = ~np.isnan(now)
    before = np.sort(column.reference[~np.isnan(column.reference)])
    ordered = np.sort(now[known])
    low = np.searchsorted(ordered, now[known], side="left")
    high = np.searchsorted(ordered, now[known], side="right")
    rank = (low + high) / 2 / max(1, len(ordered))
    mapped = now.copy()
    if len(before):
        mapped[known] = before[np.minimum((rank * len(before)).astype(np.int64), len(before) - 1)]
    return mapped


def swapped_rows(a: Column, b: Column, values: tuple[Floats, Floats]) -> NDArray[np.bool_]:
    """Rows whose two values are likelier in each other's place, by the reference's densities."""
    fits = [_likelihood(x.reference, y) for x in (a, b) for y in values]
    return np.asarray(fits[1] + fits[2] > fits[0] + fits[3] + np.log(3))


def _likelihood(reference: Floats, values: Floats) -> Floats:
    """The log-density of each value by a histogram on quantiles; beyond its ends very little."""
    known = reference[~np.isnan(reference)]
    if len(known) < ENOUGH:
        return np.zeros(len(values))
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)))
    if len(edges) < 3:
        return np.zeros(len(values))
    share = np.histogram(known, edges)[0] / len(known)
    density = np.log(np.maximum(share, 1e-6) / np.diff(edges))
    at = np.searchsorted(edges, values, side="right") - 1
    inside = (at >= 0) & (values <= edges[-1])
    least = np.log(1e-4 / max(len(known), 1) / (edges[-1] - edges[0]))
    found = density[np.clip(at, 0, len(density) - 1)]
    return np.where(np.isnan(values), 0.0, np.where(inside, found, least))


def with_values(rows: Rows, values: dict[str, Floats]) -> Rows:
    """The rows with other numbers in some columns, in the column's own type where they fit it."""
    table = rows.table
    for name, column in values.items():
        index = table.schema.get_field_index(name)
        kind = table.schema.field(index).type
        fresh = pa.array(column, mask=np.isnan(column))
        if pa.types.is_integer(kind):
            fresh = pa.array(np.nan_to_num(np.round(column)), mask=np.isnan(column))
            fresh = fresh.cast(kind, safe=False)
        elif pa.types.is_floating(kind):
            fresh = fresh.cast(kind)
        table = table.set_column(index, name, fresh)
    return Rows(table, rows.classes)
