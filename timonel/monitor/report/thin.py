"""Fewer points, so that a page stays small whatever the log: the odd ones are kept."""

from collections.abc import Sequence

import numpy as np

from timonel.monitor.report.view import Point

MOST_POINTS = 240


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most about `most`: of each run the point that is farthest from the run's median.

    A run without any value leaves its first point, which is a gap.
    """
    if len(points) <= most:
        return list(points)
    size = -(-len(points) // most)
    return [_odd(points[i : i + size]) for i in range(0, len(points), size)]


def _odd(run: Sequence[Point]) -> Point:
    known = [p for p in run if p.value.ok]
    if not known:
        return run[0]
    middle = float(np.median([float(p.value) for p in known]))
    return max(known, key=lambda p: abs(float(p.value) - middle))
