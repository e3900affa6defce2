"""A release's evidence over time as charts, from the course that its record keeps."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from timonel.monitor.report.view import Chart, Line, Point
from timonel.performance.value import Measured, State

Values = Sequence[float | None]


def evidence_charts(course: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Chart, ...]]]:
    """Of each metric its rates, their difference and the evidence.

    Args:
        course: as `timonel.canary.evidence_course` gives it.
    """
    spans = _spans([datetime.fromisoformat(at) for at in course["at"]])
    for name, found in course["metrics"].items():
        rates = Chart(
            "Both versions so far",
            f"{name}_rate",
            (
                Line("challenger", _points(spans, found["canary"], found["n_canary"])),
                Line("champion", _points(spans, found["stable"], found["n_stable"])),
            ),
        )
        bounds = found["lower"], found["upper"]
        gap = Line("difference", _points(spans, found["difference"], found["n_canary"], *bounds))
        difference = Chart("Challenger less champion, 95 % at all looks", "difference", (gap,))
        yield name, (rates, difference, _evidence(spans, found))


def _evidence(spans: Sequence[tuple[datetime, datetime]], found: Mapping[str, Any]) -> Chart:
    kinds = (("of harm", "e_harm", "bar_harm"), ("of safety", "e_safe", "bar_safe"))
    lines = tuple(
        Line(said, _points(spans, [_share(e, found[bar]) for e in found[kind]], found["n_canary"]))
        for said, kind, bar in kinds
    )
    return Chart(
        "Evidence: logarithm of e over that of what suffices; 1 decides", "evidence", lines
    )


def _share(e: float | None, bar: float | None) -> float | None:
    if e is None or bar is None or e <= 0:
        return None
    return max(-1.0, math.log(e) / math.log(bar))


def _spans(ends: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """From each end to the next; the first is as long as the second."""
    if len(ends) < 2:
        return [(end, end) for end in ends]
    return list(pairwise([ends[0] - (ends[1] - ends[0]), *ends]))


def _points(
    spans: Sequence[tuple[datetime, datetime]],
    values: Values,
    rows: Sequence[int],
    lower: Values | None = None,
    upper: Values | None = None,
) -> tuple[Point, ...]:
    none = [None] * len(values)
    return tuple(
        Point(*span, Measured.absent(State.NO_DATA) if v is None else Measured(v, low, high, n))
        for span, v, n, low, high in zip(
            spans, values, rows, lower or none, upper or none, strict=True
        )
    )
