"""Anomalies in plain words: what, how much, why it is believed, what to do."""

import math
from datetime import datetime

from timonel.anomalies.anomaly import Anomaly, Evidence
from timonel.anomalies.judgement import Judgement
from timonel.anomalies.reading import TRAFFIC, Reading
from timonel.anomalies.traits import TRAITS, Kind, family_of

STOPPED = "traffic stopped"
DRIFT = "drift"

SHARES = frozenset({"precision", "recall", "macro_recall", "specificity", "precision_at_k"})
_NAMES = {
    "null_rate": "null predictions",
    "error_rate": "errors",
    "timeout_rate": "time-outs",
    "rejected_rate": "rejected requests",
    "violation_rate": "contract violations",
    "alert_rate": "share predicted positive",
    "base_rate": "share of positive labels",
    "mean_score": "mean score",
    "mean_latency_ms": "mean latency",
    "throughput_per_s": "predictions a second",
    "oov_rate": "words out of vocabulary",
    "auc": "AUC",
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "f1": "F1",
    "fbeta": "F-beta",
    "macro_f1": "macro F1",
    "ece": "calibration error (ECE)",
    "brier": "Brier score",
    "cp_at_k": "card precision at k",
    "p50_latency_ms": "median latency",
    "p95_latency_ms": "p95 latency",
    "p99_latency_ms": "p99 latency",
}


def name_of(metric: str) -> str:
    """The metric in words."""
    if metric.endswith("_gap"):
        return f"{name_of(metric.removesuffix('_gap'))} less its estimate"
    family = family_of(metric)
    of = metric[len(family) :].strip("[]:")
    name = _NAMES.get(family, family.replace("_", " "))
    return name if not of else f"{name}{of}" if of.startswith("@") else f"{name} of {of}"


def figure(metric: str, value: float | None) -> str:
    """A metric's number with its unit."""
    if value is None:
        return "none"
    if not math.isfinite(value):
        return "unbounded"
    if metric.endswith("_ms"):
        return f"{value:,.4g} ms" if value < 1000 else f"{value:,.0f} ms"
    if is_share(metric):
        return percent(value)
    if metric.endswith("_per_s"):
        return f"{value:,.3g} /s"
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def is_share(metric: str) -> bool:
    """Whether a metric is a share of rows, which people read as percent."""
    family = family_of(metric)
    return family in SHARES or (family in TRAITS and TRAITS[family].kind is Kind.RATE)


def percent(value: float) -> str:
    """A share with digits enough to tell it from 0 and from 1."""
    shown = 100 * value
    if shown in (0, 100):
        return f"{shown:.0f} %"
    near = min(abs(shown), abs(100 - shown))
    return f"{shown:.1f} %" if near >= 0.1 else f"{shown:.2g} %" if shown < 50 else f"{shown:.3f} %"


def sentence(anomaly: Anomaly) -> str:
    """Such as "null predictions 4.1 %, expected 0.1 % (0 % to 0.3 %)"."""
    place = f" ({anomaly.where})" if str(anomaly.where) else ""
    head = f"{name_of(anomaly.what)}{place}"
    if anomaly.observed.value is None or anomaly.expected is None:
        return f"{head}: {anomaly.evidence[0].text}" if anomaly.evidence else head
    shown = f"{head} {figure(anomaly.what, anomaly.observed.value)}"
    expected = f", expected {figure(anomaly.what, anomaly.expected)}"
    if anomaly.baseline is None:
        return shown + expected
    low, high = (figure(anomaly.what, x) for x in anomaly.baseline)
    return f"{shown}{expected} ({low} to {high})"


def clock(moment: datetime) -> str:
    """A moment as pages and terminals show it."""
    return f"{moment:%d %b %H:%M}"


def evidence(reading: Reading, found: Judgement) -> tuple[Evidence, ...]:
    """The number, its baseline, and how improbable it is."""
    value = reading.value
    between = ""
    if value.lower is not None and value.upper is not None:
        low, high = (figure(reading.metric, x) for x in (value.lower, value.upper))
        between = f", 95 % interval {low} to {high}"
    observed = (
        f"{name_of(reading.metric)}: {figure(reading.metric, value.value)} from "
        f"{clock(reading.start)} to {clock(reading.end)} (n={value.n:,}{between})"
    )
    low, high = (figure(reading.metric, x) for x in found.limits)
    expected = (
        f"expected {figure(reading.metric, found.expected)}, within {low} to {high}: {found.source}"
    )
    chance = (
        f"a healthy window is this far off with probability {found.tail:.1g}; "
        f"the budget of false alarms allows {found.level:.1g}"
    )
    return (
        Evidence(observed, value.value),
        Evidence(expected, found.expected),
        Evidence(chance, found.tail),
    )


_STEPS = (
    (
        (
            "error_rate",
            "timeout_rate",
            "p50_latency",
            "p95_latency",
            "p99_latency",
            "mean_latency",
            "slow_rate",
        ),
        "Compare versions and pods, and what the service calls; roll back if one version stands out.",
    ),
    (
        ("null_rate[", "other_rate", "oov_rate", "script_share", "mean_tokens"),
        "Ask the producer of the data what changed; the model has learnt from other values.",
    ),
    (
        ("null_rate",),
        "Read the service's log for failed predictions and look for features that are null; "
        "do not retrain on these rows.",
    ),
    (
        ("rejected_rate", "violation_rate"),
        "See which columns break the contract and ask their producer: `timonel check` shows the contract.",
    ),
    (
        ("alert_rate", "mean_score", "class_share", "mean_confidence", "mean_entropy", "low_conf"),
        "See which features drifted and whether a version was deployed; the score follows its inputs.",
    ),
    (
        ("base_rate",),
        "Check how labels are made; if the share is real, recalibrate or move the threshold.",
    ),
    (
        (STOPPED, TRAFFIC),
        "Check that requests reach the service and that its log reaches the monitor.",
    ),
    (
        (DRIFT,),
        "Ask the feature's producer what changed; compare it with the reference: "
        "`timonel.drift.two_sample(reference, current)`.",
    ),
)
_QUALITY_STEP = (
    "Look first for broken data and late labels in the same hours; if both are clean, "
    "the concept has changed: retrain on labels from after the change."
)


def next_step(metric: str) -> str:
    """What to do about it."""
    for names, step in _STEPS:
        if metric.startswith(names):
            return step
    return _QUALITY_STEP
