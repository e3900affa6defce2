"""The service: answers without a prediction, errors, latency by version, pod and hour."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.cause import Cause
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.finding import Scope
from timonel.diagnosis.loss import Floats
from timonel.diagnosis.sides import Sides

CLEAR = 4.0
LEAST_NULLS = 0.002
SLOWER = 1.08
"""A median that rose by less is no finding."""
MOST_PARTS = 20
"""Versions, pods: a column with more distinct values is not looked into."""


def service(sides: Sides) -> Iterator[Claim]:
    """Claims about empty answers, errors and latency."""
    yield from _empty(sides)
    yield from _errors(sides)
    yield from _slow(sides)


def _empty(sides: Sides) -> Iterator[Claim]:
    before, now = (side.lost & ~side.failed for side in (sides.reference, sides.current))
    rise = sides.rise(before, now)
    if rise.by < LEAST_NULLS or rise.z < CLEAR:
        return
    text = (
        f"{rise.now:.1%} of the answers have no prediction, {rise.before:.1%} before;"
        " their status says success"
    )
    yield Claim(
        cause=Cause.INFRASTRUCTURE,
        scope=_part(sides, before, now, ("score",)),
        evidence=(text, _timeouts(sides, now)),
        first_seen=sides.first_seen(before, now),
    )


def _timeouts(sides: Sides, empty: NDArray[np.bool_]) -> str:
    """Whether empty answers took long: a time-out, or features that cannot be scored."""
    slow, usual = (
        float(np.nanmedian(x)) if (~np.isnan(x)).any() else np.nan
        for x in (sides.current.latency[empty], sides.current.latency[~empty])
    )
    if np.isnan(slow) or np.isnan(usual):
        return (
            "their latency is not known: time-outs cannot be told from rows that cannot be scored"
        )
    how = "time-outs" if slow > 2 * usual else "no time-outs"
    return f"their median latency is {slow:.3g} ms, {usual:.3g} ms that of the others: {how}"


def _errors(sides: Sides) -> Iterator[Claim]:
    before, now = sides.reference.failed, sides.current.failed
    rise = sides.rise(before, now)
    if rise.by < LEAST_NULLS or rise.z < CLEAR:
        return
    yield Claim(
        cause=Cause.INFRASTRUCTURE,
        scope=_part(sides, before, now, ("status",)),
        evidence=(f"{rise.now:.1%} of the requests fail, {rise.before:.1%} before",),
        first_seen=sides.first_seen(before, now),
    )


def _slow(sides: Sides) -> Iterator[Claim]:
    before, now = (_log(side.latency) for side in (sides.reference, sides.current))
    rise = sides.rise(before, now)
    if rise.by < np.log(SLOWER) or rise.z < CLEAR:
        return
    text = (
        f"latency is {np.expm1(rise.by):+.0%}: typically {np.exp(rise.now):.3g} ms,"
        f" {np.exp(rise.before):.3g} ms before"
    )
    yield Claim(
        cause=Cause.INFRASTRUCTURE,
        scope=_part(sides, before, now, ("latency_ms",)),
        evidence=(text, _hours(sides, before, now)),
        first_seen=sides.first_seen(before, now),
    )


def _hours(sides: Sides, before: Floats, now: Floats) -> str:
    """Whether it is slower at all times of day."""
    ratios = []
    for hour in range(24):
        at = [
            values[(side.time // 3_600_000_000) % 24 == hour]
            for side, values in ((sides.reference, before), (sides.current, now))
        ]
        if all((~np.isnan(x)).sum() >= 30 for x in at):
            ratios.append(np.exp(np.nanmean(at[1]) - np.nanmean(at[0])) - 1)
    if len(ratios) < 6:
        return "too few hours of the day have rows on both sides to tell a load from a fault"
    low, high = min(ratios), max(ratios)
    return f"by hour of the day the change is {low:+.0%} to {high:+.0%}"


def _part(
    sides: Sides,
    before: Floats | NDArray[np.bool_],
    now: Floats | NDArray[np.bool_],
    columns: tuple[str, ...],
) -> Scope:
    """The version or pod that has nearly all of the rise, if one has."""
    base = float(np.nanmean(before)) if len(before) else 0.0
    for name in ("pod", "detector", "version"):
        labels, at = sides.current.words(name)
        if not 2 <= len(labels) <= MOST_PARTS:
            continue
        over = np.array([np.nansum(now[at == i] - base) for i in range(len(labels))])
        worst = int(over.argmax())
        if over[worst] > 0.9 * over.sum() and (at == worst).mean() < 0.8:
            if name == "version":
                return Scope(columns, version=labels[worst])
            return Scope(columns, pod=labels[worst])
    return Scope(columns)


def _log(latency: Floats) -> Floats:
    return np.asarray(np.log(np.where(latency > 0, latency, np.nan)))
