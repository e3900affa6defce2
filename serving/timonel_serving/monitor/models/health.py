"""How a model is, in one sentence; what was not heard of is never well."""

from collections.abc import Sequence
from dataclasses import replace

from timonel.anomalies.words import DRIFT, STOPPED, clock
from timonel.monitor.report.verdict import Status, leading
from timonel.monitor.standing import Standing
from timonel_serving.monitor.models.states import DetectorStatus, Health, HealthState

_STATES = {
    Status.WELL: HealthState.WELL,
    Status.WATCH: HealthState.WATCH,
    Status.DEGRADED: HealthState.DEGRADED,
    Status.NO_DATA: HealthState.NO_DATA,
    Status.LEARNING: HealthState.LEARNING,
}
_LEARN = "Wait, or start detectors and monitor with --reference, the model's package."
_RUNBOOKS = (
    (("error_rate", "timeout_rate", "rejected_rate"), "error-budget-burn"),
    (
        ("p50_latency", "p95_latency", "p99_latency", "mean_latency", "slow_rate"),
        "latency-budget-burn",
    ),
    (("null_rate",), "null-budget-burn"),
    (("violation_rate",), "violation-budget-burn"),
    ((DRIFT,), "drift-open"),
    ((STOPPED,), "no-data"),
)
"""By what an anomaly is about: the page of docs/runbooks."""
_STOPPED = Health(
    HealthState.STALE,
    "No detector is at work: all have stopped. How the model is now is not known.",
    None,
    "Start the service, with a detector that sends to this monitor.",
    "runbooks/detector-stale",
)
_RENAME = "Give each detector a name of its own: monitoring.detector.name."
_NAME = "runbooks/detector-name"
_QUALITY = (
    "accuracy",
    "precision",
    "recall",
    "f1",
    "macro_",
    "roc_auc",
    "pr_auc",
    "hit_rate",
    "mrr",
)


def health_of(standing: Standing, detectors: Sequence[DetectorStatus]) -> Health:
    """The verdict of the windows, unless no detector has been heard of for a while."""
    return _contested(_heard(standing, detectors), [one.name for one in detectors if one.contested])


def _heard(standing: Standing, detectors: Sequence[DetectorStatus]) -> Health:
    if standing.newest is None:
        return _nothing(detectors)
    if not detectors:
        return _STOPPED
    if all(one.stale for one in detectors):
        return _stale(detectors)
    found = standing.verdict
    sentence = found.sentence + _silent(detectors)
    runbook = _runbook(leading(standing.open).what) if standing.open else ""
    step = _LEARN if found.status is Status.LEARNING else found.next_step
    return Health(_STATES[found.status], sentence, found.since, step, runbook)


def _nothing(detectors: Sequence[DetectorStatus]) -> Health:
    said = f"{len(detectors)} detectors are there, none sent an inference" if detectors else ""
    return Health(
        HealthState.NO_DATA,
        f"No data yet: {said or 'no detector has been heard of'}.",
        None,
        "Start a detector that sends to this monitor, and send predictions to the service.",
        "runbooks/no-data",
    )


def _stale(detectors: Sequence[DetectorStatus]) -> Health:
    last = max(detectors, key=lambda one: one.last_heard)
    return Health(
        HealthState.STALE,
        f"Nothing heard since {clock(last.last_heard)} UTC, last from {last.name}:"
        " how the model is now is not known.",
        last.last_heard,
        "Check that the detectors run and reach the monitor.",
        "runbooks/detector-stale",
    )


def _silent(detectors: Sequence[DetectorStatus]) -> str:
    """What is to be said of detectors that are silent while others are not."""
    silent = [one.name for one in detectors if one.stale]
    if not silent:
        return ""
    return f" Of {len(detectors)} detectors {len(silent)} are silent: {_some(silent)}."


def _contested(found: Health, names: Sequence[str]) -> Health:
    """The same, with the names that two detectors have: a model that is watched in part is not well."""
    if not names:
        return found
    said = (
        f"{found.sentence} Two detectors go by the name {_some(names)}: one of them is not counted."
    )
    if found.state not in (HealthState.WELL, HealthState.LEARNING, HealthState.NO_DATA):
        return replace(found, sentence=said)
    state = HealthState.WATCH if found.state is HealthState.WELL else found.state
    return replace(found, state=state, sentence=said, next_step=_RENAME, runbook=_NAME)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")


def _runbook(metric: str) -> str:
    if metric.endswith("_gap"):
        return "runbooks/performance-gap"
    quality = metric.startswith(_QUALITY)
    found = (page for names, page in _RUNBOOKS if metric.startswith(names))
    return f"runbooks/{next(found, 'performance-low' if quality else 'anomaly-open')}"
