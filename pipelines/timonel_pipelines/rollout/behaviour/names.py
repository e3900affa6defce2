"""Metrics of a plan that are told from logged rows which both versions score."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from timonel.canary import CanaryPlan, Metric
from timonel.terms import Evidence

LABELLED, DISAGREEMENT = "labelled_errors", "disagreement"
SCORES, CALIBRATION = "scores", "calibration"
KINDS = {
    LABELLED: Evidence.PAIRED,
    "log_loss": Evidence.LOSS,
    "brier": Evidence.LOSS,
    DISAGREEMENT: Evidence.RATE,
    SCORES: Evidence.SCORES,
    CALIBRATION: Evidence.VALUE,
}
"""By their names, each with its kind."""
NEED_LABELS = frozenset({LABELLED, "log_loss", "brier", CALIBRATION})
_SEGMENT = re.compile(r"^(?P<base>[a-z_]+)(\[(?P<column>[^:\]]+):(?P<value>[^\]]*)\])?$")


@dataclass(frozen=True)
class Wanted:
    """One metric, of all rows or of those of a segment."""

    name: str
    base: str
    edges: tuple[float, ...] = ()
    column: str | None = None
    value: str | None = None


def wanted(metric: Metric) -> Wanted | None:
    """What a metric asks of the logged rows; None if it is none of these."""
    found = _SEGMENT.match(metric.name)
    if found is None or KINDS.get(found["base"]) is not metric.kind:
        return None
    return Wanted(metric.name, found["base"], metric.edges, found["column"], found["value"])


def all_wanted(metrics: Iterable[Metric]) -> tuple[Wanted, ...]:
    """What a plan asks of the logged rows."""
    return tuple(w for w in map(wanted, metrics) if w is not None)


def columns_of(asked: Sequence[Wanted]) -> list[str]:
    """The columns that segments are told by."""
    return sorted({w.column for w in asked if w.column is not None})


def settled(plan: CanaryPlan) -> CanaryPlan:
    """The plan in which what only tells of a difference cannot roll back.

    A version that never disagrees is the same version: without a `harm_margin` disagreement is shown alone.
    So is calibration, the mean of outcome less score, which has no better or worse side.
    """
    return plan.with_metrics([_settled(m) for m in plan.metrics])


def _settled(metric: Metric) -> Metric:
    asked = wanted(metric)
    if asked is None or asked.base not in (DISAGREEMENT, CALIBRATION):
        return metric
    if asked.base == CALIBRATION:
        return replace(metric, weight=0.0, margin=None)
    return metric if metric.harm_margin > 0 else replace(metric, weight=0.0)
