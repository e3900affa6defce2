"""What a feature shows by itself: missing, unseen, out of range, repeated, cut, in another unit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.contract.model import ColumnContract
from timonel.diagnosis.columns import Column
from timonel.diagnosis.loss import Floats
from timonel.diagnosis.rows import Rows
from timonel.diagnosis.sides import Rise, Sides

Bools = NDArray[np.bool_]
Mask = Callable[[Column, Rows], Bools]
"""Which of the current rows are broken."""

CLEAR = 4.0
LEAST = {"missing": 0.005, "unseen": 0.002, "range": 0.003, "repeated": 0.03, "piled": 0.01}
"""A share of rows that rose by less is no finding."""
PILE = 5.0
"""One value's share must be so many times what it was."""
MARGIN = 0.1
"""A value this share of the reference's span beyond its ends is out of range, without a contract."""
STEADY = 0.08
"""Two quantiles whose ratio differs less from the others' belong to one change of unit."""
LEAST_FACTOR = 0.3
"""A change of unit moves the logarithm by this at least: miles are .48, a season is less."""
PLAIN_FACTOR = 0.6
"""Where nothing else tells a change of unit from a season, it must be as large as this."""


@dataclass(frozen=True, eq=False)
class Breakage:
    """One way in which one column is broken."""

    column: str
    kind: str
    rise: Rise
    text: str
    mask: Mask
    before: Bools
    now: Bools
    whole: bool = False
    """All rows are, and no mask tells them apart."""
    factor: float = 1.0
    """Of a change of unit."""


def breakages(column: Column, sides: Sides, contract: ColumnContract | None) -> Iterator[Breakage]:
    """All that is broken in a column; `sides` are the rows that the column was read from."""
    for kind, mask, before, words in _tests(column, sides, contract):
        now = mask(column, sides.current)
        rise = sides.rise(before, now)
        # a value that was common before may be so for reasons of its own
        new = kind != "piled" or rise.now > PILE * rise.before
        if rise.by >= LEAST[kind] and rise.z >= CLEAR and new:
            text = f"{column.name}: {rise.now:.1%} of the rows {words}, {rise.before:.1%} before"
            yield Breakage(column.name, kind, rise, text, mask, before, now)
    yield from _unit(column, sides)


def _tests(
    column: Column, sides: Sides, contract: ColumnContract | None
) -> Iterator[tuple[str, Mask, Bools, str]]:
    values = column.reference
    yield "missing", lambda c, _: np.isnan(c.current), np.isnan(values), "have no value"
    if not column.numeric:
        known = column.known
        before = np.zeros(len(values), dtype=np.bool_)
        said = "hold a category that the reference has not"
        yield "unseen", lambda c, _: c.current >= known, before, said
    else:
        low, high = _range(values, contract)
        outside = (values < low) | (values > high)
        mask: Mask = lambda c, _: (c.current < low) | (c.current > high)  # noqa: E731
        yield "range", mask, outside, f"lie outside {low:.4g} to {high:.4g}"
        yield from _piles(column)
    before = sides.reference.repeats(values)
    if before.mean() < 0.5:
        said = "repeat their entity's last value"
        yield "repeated", lambda c, rows: rows.repeats(c.current), before, said


def _range(values: Floats, contract: ColumnContract | None) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (-np.inf, np.inf)
    margin = MARGIN * (high - low) if len(known) else 0.0
    low, high = low - margin, high + margin
    if contract is not None:
        low = min(low, contract.minimum) if contract.minimum is not None else low
        high = max(high, contract.maximum) if contract.maximum is not None else high
    return low, high


def _piles(column: Column) -> Iterator[tuple[str, Mask, Bools, str]]:
    """Rows that all have one value: a range that is cut, a default, a sensor that stands still."""
    known = column.current[~np.isnan(column.current)]
    if not len(known):
        return
    distinct, counts = np.unique(known, return_counts=True)
    tops = {float(distinct[-1]), float(distinct[0]), float(distinct[counts.argmax()])}
    best = max(tops, key=lambda v: (known == v).mean() - (column.reference == v).mean())
    yield (
        "piled",
        lambda c, _: c.current == best,
        column.reference == best,
        f"are exactly {best:.6g}",
    )


def _unit(column: Column, sides: Sides) -> Iterator[Breakage]:
    """All quantiles are multiplied by one factor: another unit."""
    if not column.numeric:
        return
    before, now = (v[~np.isnan(v)] for v in (column.reference, column.current))
    if min(len(before), len(now)) < 200 or len(np.unique(before[:2000])) < 50:
        return
    levels = np.arange(0.05, 0.96, 0.05)
    a, b = np.quantile(before, levels), np.quantile(now, levels)
    # quantiles about 0 say nothing of a factor
    far = np.abs(a) > 0.3 * np.abs(a).max()
    if far.sum() < 5 or (a[far] * b[far] <= 0).any():
        return
    logs = np.log(b[far] / a[far])
    factor = float(np.median(logs))
    if abs(factor) < LEAST_FACTOR or np.abs(logs - factor).max() > STEADY + 0.1 * abs(factor):
        return
    text = f"{column.name}: every quantile is {np.exp(factor):.4g} times what it was: another unit"
    every = np.ones(len(column.current), dtype=np.bool_)
    none = np.zeros(len(column.reference), dtype=np.bool_)
    yield Breakage(
        column=column.name,
        kind="unit",
        rise=Rise(0.0, 1.0, np.inf),
        text=text,
        mask=lambda c, _: np.ones(len(c.current), dtype=np.bool_),
        before=none,
        now=every,
        whole=True,
        factor=float(np.exp(factor)),
    )
