"""Rows that come late, twice or, in one segment, not at all; labels that come later than they did."""

from collections.abc import Iterator

import numpy as np

from timonel.diagnosis.cause import Action, Cause
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.finding import Scope
from timonel.diagnosis.loss import Floats
from timonel.diagnosis.rows import Rows
from timonel.diagnosis.sides import Sides

CLEAR = 4.0
LEAST_TWICE = 0.005
LATE = 0.99
"""What arrives later than this quantile of the reference is late."""
LEAST_LATE = 0.03
LEAST_LABELS = 100
FALL = 0.15
"""A segment that lost a smaller share of its traffic is no outage."""
LEAST_SHARE = 0.01
LEAST_LOST = 0.02
"""If less than this share of all rows is missing, nobody can tell whether others came in their stead."""
SILENT = 0.1
"""A segment with less than this part of its rows is gone, whatever the others do."""
MOST_SEGMENTS = 50
REMIXED = 2.5
"""Times the distance that chance gives, from which on a mix is another one."""
MEAN_ABSOLUTE = 0.8
"""The mean absolute value of a standard normal."""


def delivery(sides: Sides, as_of: int | None) -> Iterator[Claim]:
    """Claims about rows and labels that come late."""
    yield from _late(sides)
    yield from _labels(sides, as_of)


def twice(sides: Sides) -> Iterator[Claim]:
    """The claim of rows that come twice."""
    before, now = (side.repeated_ids for side in (sides.reference, sides.current))
    rise = sides.rise(before, now)
    if rise.by < LEAST_TWICE or rise.z < CLEAR:
        return
    yield Claim(
        cause=Cause.DATA_QUALITY,
        scope=Scope(("prediction_id",)),
        evidence=(f"{rise.now:.1%} of the rows repeat an id, {rise.before:.1%} before",),
        first_seen=sides.first_seen(before, now),
    )


def _late(sides: Sides) -> Iterator[Claim]:
    before, now = (side.delay("arrival_time") for side in (sides.reference, sides.current))
    if np.isnan(before).all() or np.isnan(now).all():
        return
    limit = max(1.0, float(np.nanquantile(before, LATE)))
    late = [np.where(np.isnan(x), np.nan, x > limit) for x in (before, now)]
    rise = sides.rise(late[0], late[1])
    if rise.by < LEAST_LATE or rise.z < CLEAR:
        return
    text = (
        f"{rise.now:.0%} of the rows arrive more than {limit:.3g} s after their event,"
        f" {rise.before:.1%} before; the median is {np.nanmedian(now):.3g} s,"
        f" {np.nanmedian(before):.3g} s before"
    )
    yield Claim(
        cause=Cause.INFRASTRUCTURE,
        scope=Scope(("arrival_time",)),
        evidence=(text,),
        first_seen=sides.first_seen(late[0], late[1]),
    )


def _labels(sides: Sides, as_of: int | None) -> Iterator[Claim]:
    """Labels arrived by an age, of rows that old: equal vintage on both sides."""
    ages = [side.delay("label_arrival_time") for side in (sides.reference, sides.current)]
    if as_of is None or min(int((~np.isnan(x)).sum()) for x in ages) < LEAST_LABELS:
        return
    best: Claim | None = None
    most = 0.0
    known = ages[0][~np.isnan(ages[0])]
    for age in np.unique(np.quantile(known, [0.25, 0.5, 0.75, 0.9])):
        shares = [_arrived(side, x, age, as_of) for side, x in zip(_both(sides), ages, strict=True)]
        if min(int((~np.isnan(x)).sum()) for x in shares) < LEAST_LABELS:
            continue
        rise = sides.rise(shares[0], shares[1])
        if rise.by > -0.05 or rise.z > -CLEAR or rise.by >= most:
            continue
        most = rise.by
        text = (
            f"{rise.now:.0%} of the labels are there at an age of {_age(age)},"
            f" {rise.before:.0%} before"
        )
        best = Claim(
            cause=Cause.LABEL_ARTEFACT,
            scope=Scope(("label_arrival_time",)),
            evidence=(text,),
            first_seen=sides.first_seen(-shares[0], -shares[1]),
            action=Action.WAIT_FOR_LABELS,
        )
    if best:
        yield best


def _arrived(side: Rows, age_of_label: Floats, age: float, as_of: int) -> Floats:
    """1 where the label had arrived by this age, 0 where not, NaN where the row is younger."""
    old = (as_of - side.time) / 1e6 >= age
    return np.where(old, np.nan_to_num(age_of_label, nan=np.inf) <= age, np.nan)


def _both(sides: Sides) -> tuple[Rows, Rows]:
    return sides.reference, sides.current


def _age(seconds: float) -> str:
    return f"{seconds / 86400:.1f} days" if seconds >= 86400 else f"{seconds / 3600:.1f} hours"


def outage(sides: Sides, name: str) -> Claim | None:
    """A value of a column whose rows have become fewer while those of all others are as many as before."""
    labels, at = sides.reference.words(name)
    others, now = sides.current.words(name)
    if not 2 <= len(labels) <= MOST_SEGMENTS or set(others) - set(labels):
        return None
    span = [max(1.0, float(side.time[-1] - side.time[0])) for side in _both(sides)]
    place = {label: i for i, label in enumerate(labels)}
    now = np.array([*(place[v] for v in others), -1])[now]
    counts = np.array([np.bincount(x[x >= 0], minlength=len(labels)) for x in (at, now)])
    rates = counts / np.array(span)[:, None]
    enough = (counts[0] >= max(50, LEAST_SHARE * len(at))) & (rates[0].sum() > rates[0])
    ratio = np.where(enough, rates[1] / np.maximum(rates[0], 1e-300), 1.0)
    worst = int(ratio.argmin())
    share = rates[0][worst] / rates[0].sum()
    rest = (rates[1].sum() - rates[1][worst]) / (rates[0].sum() - rates[0][worst])
    # were the population another one, others would have come in their stead
    instead = (1 - ratio[worst]) * share / (1 - share)
    lost = 1 - ratio[worst]
    if (
        lost < FALL
        or (lost * share < LEAST_LOST and ratio[worst] > SILENT)
        or _remixed(np.delete(counts, worst, axis=1), lost * share)
        or ratio[worst] > rest * (1 - FALL)
        or not -0.5 * lost < rest - 1 < 0.5 * instead
    ):
        return None
    rise = sides.rise(at == worst, now == worst)
    if rise.z > -CLEAR:
        return None
    text = (
        f"rows with {name} = {labels[worst]} have become {1 - ratio[worst]:.0%} fewer in a time,"
        f" all others {rest - 1:+.0%}"
    )
    return Claim(
        cause=Cause.INFRASTRUCTURE,
        scope=Scope((name,), segment=f"{name}={labels[worst]}"),
        evidence=(text,),
        first_seen=sides.first_seen(at != worst, now != worst),
    )


def _remixed(counts: Floats, lost: float) -> bool:
    """Whether the other segments are not in the proportion they were: then the population is another one.

    `counts` (2, others) are rows of both sides, `lost` is the share of all rows that went missing.
    """
    sizes = counts.sum(axis=1, keepdims=True)
    if not sizes.all():
        return False
    before, now = counts / sizes
    apart = float(np.abs(before - now).sum()) / 2
    chance = float(np.sqrt(before * (1 - before) * np.sum(1 / sizes)).sum()) * MEAN_ABSOLUTE / 2
    return apart > REMIXED * chance and apart > lost / 2
