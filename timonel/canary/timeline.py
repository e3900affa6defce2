"""The evidence over time, small enough for a record and a picture."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

MOST_POINTS = 120

_PARTS = {
    "e_harm": ("e_harm", None),
    "e_safe": ("e_safe", None),
    "stable": ("stable", "value"),
    "canary": ("canary", "value"),
    "n_stable": ("stable", "n"),
    "n_canary": ("canary", "n"),
    "difference": ("difference", "value"),
    "lower": ("difference", "lower"),
    "upper": ("difference", "upper"),
}


def evidence_course(decisions: Sequence[tuple[datetime, Mapping[str, Any]]]) -> dict[str, Any]:
    """How the evidence of each metric went, as lists side by side; None for what was not known.

    Args:
        decisions: the end of each block with `Decision.to_dict()` after it, in order.

    Returns:
        `at` (ISO times) and `weight` (percent), and for each of `metrics`: `e_harm` and `e_safe` with their
        `bar_harm` and `bar_safe`; the rates `stable` and `canary` of `n_stable` and `n_canary` rows; their
        `difference` with `lower` and `upper` (95 %, at all looks at once). At most 120 points, evenly
        thinned, the last always among them.
    """
    kept = [decisions[i] for i in _thinned(len(decisions))]
    metrics = kept[-1][1]["metrics"] if kept else {}
    return {
        "at": [at.isoformat() for at, _ in kept],
        "weight": [decision["weight"] for _, decision in kept],
        "metrics": {
            name: {part: [_read(d, name, *path) for _, d in kept] for part, path in _PARTS.items()}
            | {"bar_harm": last["harm_bar"], "bar_safe": last["safe_bar"]}
            for name, last in metrics.items()
        },
    }


def _thinned(n: int) -> list[int]:
    """Which of n points are kept."""
    if n <= MOST_POINTS:
        return list(range(n))
    return [i * (n - 1) // (MOST_POINTS - 1) for i in range(MOST_POINTS)]


def _read(decision: Mapping[str, Any], metric: str, name: str, part: str | None) -> float | None:
    found = decision["metrics"][metric][name]
    known: float | None = found if part is None else found[part]
    return known
