"""The facts lane of the features: every column looked at by itself."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from timonel.contract.model import ColumnContract
from timonel.diagnosis.case import Case
from timonel.diagnosis.cause import Cause
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.columns import Column, read_column
from timonel.diagnosis.facts.delivery import SILENT, outage
from timonel.diagnosis.facts.features import Breakage, breakages
from timonel.diagnosis.finding import Scope
from timonel.diagnosis.loss import Floats
from timonel.diagnosis.rows import Bools, plain
from timonel.diagnosis.sides import Sides
from timonel.diagnosis.steps.quality import MOVED, moved_by

WIDE = 100_000
"""Rows a side on which features are looked at."""
CLEAR = 4.0
MOST_COLUMNS = 60
"""Columns that the learner is given: those that moved most, of more."""


@dataclass(frozen=True, eq=False)
class Looked:
    """What the columns show."""

    names: tuple[str, ...]
    """Features that can be read."""
    broken: dict[str, tuple[Breakage, ...]]
    facts: tuple[Claim, ...]
    """Columns of another type, segments without rows."""
    missing: tuple[str, ...]
    sides: Sides
    """The rows that were looked at."""


def look(case: Case, full: Sides, rng: np.random.Generator) -> Looked:
    """Look at each feature on a sample of both sides."""
    names = case.feature_names()
    sides = narrowed(full, names, WIDE, rng)
    known = contracts(case)
    broken: dict[str, tuple[Breakage, ...]] = {}
    odd = []
    columns: dict[str, Column] = {}
    for name in names:
        column = read(name, sides, known.get(name))
        if column is None:
            odd.append(name)
            continue
        columns[name] = column
        found = tuple(breakages(column, sides, known.get(name)))
        if found:
            broken[name] = found
    readable = tuple(columns)
    retyped = tuple(c for name in names if (c := _retyped(full, name)) is not None)
    outages = tuple(
        o
        for name in readable
        if (o := _outage(full, name)) is not None and not _others_moved(o, columns, broken, sides)
    )
    return Looked(readable, broken, (*retyped, *outages), tuple(_missing(case, names, odd)), sides)


def contracts(case: Case) -> dict[str, ColumnContract]:
    """What the contract says of each column."""
    return {c.name: c for c in case.contract.features} if case.contract else {}


def read(name: str, sides: Sides, contract: ColumnContract | None) -> Column | None:
    """A column of both sides."""
    allowed = frozenset(contract.categories or ()) if contract else frozenset()
    return read_column(name, sides.reference, sides.current, allowed)


def narrowed(sides: Sides, names: tuple[str, ...], most: int, rng: np.random.Generator) -> Sides:
    """At most so many rows a side, drawn evenly."""
    few = [
        side.sample(np.ones(len(side), dtype=np.bool_), most, rng)
        for side in (sides.reference, sides.current)
    ]
    return Sides.of(few[0], few[1], rng)


def _retyped(full: Sides, name: str) -> Claim | None:
    """A number that comes as text, or the other way round."""
    sides = (full.reference.table, full.current.table)
    before, now = (plain(table[name]).type for table in sides)
    words = [pa.types.is_string(kind) or pa.types.is_large_string(kind) for kind in (before, now)]
    if words[0] == words[1] or pa.types.is_null(before) or pa.types.is_null(now):
        return None
    return Claim(
        cause=Cause.DATA_QUALITY,
        scope=Scope((name,)),
        evidence=(f"{name} holds {now}, it held {before}",),
    )


def _outage(full: Sides, name: str) -> Claim | None:
    kind = plain(full.reference.table[name]).type
    return (
        outage(full, name) if pa.types.is_string(kind) or pa.types.is_large_string(kind) else None
    )


def _others_moved(
    claim: Claim,
    columns: dict[str, Column],
    broken: dict[str, tuple[Breakage, ...]],
    sides: Sides,
) -> bool:
    """Whether rows of other segments are not as they were: then the population is another one.

    A segment that is all but gone is an outage whatever the others do.
    """
    name, _, value = (claim.scope.segment or "").partition("=")
    inside = []
    for side in (sides.reference, sides.current):
        labels, at = side.words(name)
        inside.append(np.array([*(label == value for label in labels), False])[at])
    if inside[1].mean() < SILENT * inside[0].mean():
        return False
    rest = (
        replace(c, reference=_only(c.reference, ~inside[0]), current=_only(c.current, ~inside[1]))
        for c in columns.values()
        if c.name != name and c.name not in broken
    )
    return any(moved_by(column) > MOVED and _clearly(column, sides) for column in rest)


def _only(values: Floats | Bools, rows: Bools) -> Floats:
    return np.where(rows, values, np.nan)


def _clearly(column: Column, sides: Sides) -> bool:
    """Whether it moved by more than it does from day to day."""
    if column.numeric:
        middle = float(np.nanmedian(column.reference))
        before, now = column.reference > middle, column.current > middle
    else:
        size = len(column.labels or ())
        counts = [
            np.bincount(v[~np.isnan(v)].astype(np.int64), minlength=size)
            for v in (column.reference, column.current)
        ]
        shares = [count / max(1, count.sum()) for count in counts]
        most = int(np.abs(shares[1] - shares[0]).argmax())
        before, now = column.reference == most, column.current == most
    values = (column.reference, before), (column.current, now)
    told = [_only(high, ~np.isnan(known)) for known, high in values]
    return abs(sides.rise(told[0], told[1]).z) > CLEAR


def _missing(case: Case, names: tuple[str, ...], odd: list[str]) -> Iterator[str]:
    if not names:
        yield "no feature is in both tables: nothing can be said of the data"
    if odd:
        yield f"columns whose type says nothing to compare: {_some(odd)}"
    if case.contract is not None:
        wanted = [c.name for c in case.contract.features]
        lost = [name for name in wanted if name not in names]
        if lost:
            yield f"features of the contract that one of the tables has not: {_some(lost)}"
    ours, theirs = case.reference.column_names, case.current.column_names
    labels = {"label", "label_event_time", "label_arrival_time"}
    apart = sorted((set(ours) ^ set(theirs)) - labels)
    if case.contract is None and apart:
        yield f"columns that only one of the tables has: {_some(apart)}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
