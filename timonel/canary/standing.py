"""Where each metric stands: its evidence, its rates with intervals, and the sentence that says so."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from timonel.canary import losses, paired
from timonel.canary.bernoulli import Floats
from timonel.canary.counted import Counted, harm_by_metric, safe_by_metric
from timonel.canary.decision import MetricEvidence
from timonel.canary.intervals import contrast_half_width, rate_bounds
from timonel.canary.losses import Mean, MomentSums
from timonel.canary.metric import Metric
from timonel.canary.paired import PairedSums
from timonel.canary.plan import CanaryPlan
from timonel.canary.state import JudgeState
from timonel.canary.streams import COUNTED, safe_stream
from timonel.performance.value import Measured, State
from timonel.terms import Evidence

ALPHA = 0.05
"""One less the level of the intervals that are shown."""
LARGEST_LOG = 690.0
"""Beyond this an e-value is no number of a computer any more."""


@dataclass(frozen=True)
class Logs:
    """The log e-values of the metrics that have them, by name."""

    harm: dict[str, float]
    safe: dict[str, float]
    rows: dict[str, float]
    """Of the canary, that the evidence rests on."""


Shares = tuple[list[float], list[float], list[float]]
"""Log e-values of harm and of safety, and rows of the canary, of the metrics that are counted as shares."""


def shares(plan: CanaryPlan, state: Counted) -> tuple[Floats, Floats, Floats]:
    """What `Shares` holds, as arrays whose leading axes are the state's."""
    streams = plan.streams
    if not streams.metrics:
        none = np.zeros((*state.totals.shape[:-2], 0))
        return none, none, none
    rows = state.totals[..., streams.starts, 2]
    safe = safe_by_metric(state) if len(streams.safe_at) else rows[..., :0]
    return harm_by_metric(streams, state), safe, rows


def logs(plan: CanaryPlan, state: JudgeState, held: Shares | None = None) -> Logs:
    """The evidence of every metric; that of the shares may be given."""
    harm, safe, rows = held or tuple(x.tolist() for x in shares(plan, state.counted))
    names = [m.name for m in plan.streams.metrics]
    required = [m.name for m in plan.streams.metrics if m.required]
    found = Logs(
        dict(zip(names, harm, strict=True)),
        dict(zip(required, safe, strict=True)),
        dict(zip(names, rows, strict=True)),
    )
    if len(names) < len(plan.metrics):
        for metric in plan.metrics:
            if metric.kind not in COUNTED:
                _uncounted(plan, state, metric, found)
    return found


def _uncounted(plan: CanaryPlan, state: JudgeState, metric: Metric, found: Logs) -> None:
    name, margin = metric.name, metric.margin or 0.0
    if metric.kind is Evidence.PAIRED:
        sums, deff = state.paired.get(name, PairedSums()), 1 + plan.clustering
        found.harm[name] = paired.log_harm(sums, metric.harm_margin) / deff
        safe, rows = paired.log_safe(sums, margin) / deff, float(sums.n)
    else:
        mean = mean_of(plan, state, metric)
        sign = 1.0 if metric.kind is Evidence.LOSS else -1.0
        worse = None if mean is None else Mean(mean.n, sign * mean.value, mean.sd)
        found.harm[name] = losses.log_above(worse, metric.harm_margin)
        safe, rows = losses.log_below(worse, margin), mean.n if mean else 0.0
    found.rows[name] = rows
    if metric.required:
        found.safe[name] = safe


def mean_of(plan: CanaryPlan, state: JudgeState, metric: Metric) -> Mean | None:
    """The difference of a loss or a value, canary less stable."""
    deff = 1 + plan.clustering
    if metric.kind is Evidence.LOSS:
        return losses.of_differences(state.losses.get(metric.name, MomentSums()), deff)
    arms = (state.stable_values, state.canary_values)
    stable, canary = (arm.get(metric.name, MomentSums()) for arm in arms)
    return losses.of_two(stable, canary, deff)


def evidence(plan: CanaryPlan, state: JudgeState) -> dict[str, MetricEvidence]:
    """Every metric with its numbers."""
    held, rates = logs(plan, state), _rates(plan, state)
    found = {}
    for metric in plan.metrics:
        shown = rates.get(metric.name) or _uncounted_rates(plan, state, metric)
        name = metric.name
        found[name] = MetricEvidence(
            name,
            as_e(held.harm[name]) if metric.kind is Evidence.SCORES or metric.harms else None,
            plan.harm_bar(name) if metric.harms else None,
            as_e(held.safe[name]) if metric.required else None,
            plan.safe_bar if metric.required else None,
            *shown,
        )
    return found


def as_e(log_e: float) -> float:
    """An e-value from its log, kept finite."""
    return math.exp(min(log_e, LARGEST_LOG))


Shown = tuple[Measured, Measured, Measured]


def _rates(plan: CanaryPlan, state: JudgeState) -> dict[str, Shown]:
    streams = plan.streams
    if not streams.metrics:
        return {}
    at = streams.starts + np.array([safe_stream(m) for m in streams.metrics])
    totals, contrast = state.counted.totals[at], state.counted.contrast[at]
    half = contrast_half_width(contrast, ALPHA)
    phi = np.where(totals[:, 2] > 0, totals[:, 4] / np.maximum(totals[:, 2], 1.0), 1.0)
    arms = _arms(totals, phi)
    found = {}
    for i, metric in enumerate(streams.metrics):
        stable, canary = arms[i], arms[i + len(streams.metrics)]
        found[metric.name] = (_difference(contrast[i], float(half[i]), canary.n), stable, canary)
    return found


def _arms(totals: Floats, phi: Floats) -> list[Measured]:
    """The rate of the champion in each metric, then of the canary."""
    n, y = totals[:, [0, 2]].T.ravel(), totals[:, [1, 3]].T.ravel()
    wide = np.tile(phi, 2)
    lower, upper = rate_bounds(n / wide, y / wide, ALPHA)
    return [
        Measured(bad / rows, low, high, int(rows)) if rows else Measured.absent(State.NO_DATA)
        for rows, bad, low, high in zip(*(x.tolist() for x in (n, y, lower, upper)), strict=True)
    ]


def _difference(contrast: Floats, half: float, n: int) -> Measured:
    if contrast[0] <= 0:
        return Measured.absent(State.NO_DATA)
    value = float(contrast[1] / contrast[0])
    return Measured(value, max(value - half, -1.0), min(value + half, 1.0), n)


def _uncounted_rates(plan: CanaryPlan, state: JudgeState, metric: Metric) -> Shown:
    none = Measured.absent(State.NO_DATA)
    if metric.kind is Evidence.PAIRED:
        return _paired_rates(state.paired.get(metric.name, PairedSums()))
    mean = mean_of(plan, state, metric)
    arms = [
        Measured(s.mean, None, None, s.n) if (s := sums.get(metric.name)) and s.n else none
        for sums in (state.stable_values, state.canary_values)
    ]
    if mean is None:
        return Measured.absent(State.TOO_FEW), arms[0], arms[1]
    half = losses.half_width(mean, ALPHA)
    shown = Measured(mean.value, mean.value - half, mean.value + half, int(mean.n))
    return shown, arms[0], arms[1]


def paired_difference(sums: PairedSums) -> Measured:
    """The share of rows that the canary alone got wrong, less that of the champion."""
    if sums.n < losses.LEAST:
        return Measured.absent(State.TOO_FEW if sums.n else State.NO_DATA, sums.n)
    n, up, down = sums.n, sums.only_canary, sums.only_stable
    value = (up - down) / n
    sd = math.sqrt(max((up + down) / n - value**2, 1 / n))
    half = losses.half_width(Mean(n, value, sd), ALPHA)
    return Measured(value, value - half, value + half, n)


def _paired_rates(sums: PairedSums) -> Shown:
    """The shares of rows that one version alone got wrong, and their difference."""
    difference = paired_difference(sums)
    if difference.value is None:
        return difference, difference, difference
    n, wrong = sums.n, (sums.only_stable, sums.only_canary)
    lower, upper = rate_bounds(np.array([n, n], float), np.array(wrong, float), ALPHA)
    arms = [
        Measured(y / n, float(low), float(high), n)
        for y, low, high in zip(wrong, lower, upper, strict=True)
    ]
    return difference, arms[0], arms[1]


def harms(plan: CanaryPlan, held: Logs) -> Iterator[Metric]:
    """The metrics whose evidence of harm suffices, on enough rows."""
    for metric in plan.metrics:
        enough = metric.harms and held.rows[metric.name] >= metric.support
        if enough and held.harm[metric.name] >= math.log(plan.harm_bar(metric.name)):
            yield metric


def unsafe(plan: CanaryPlan, held: Logs) -> list[Metric]:
    """The metrics that must be, and are not yet shown harmless."""
    bar = math.log(plan.safe_bar)
    return [
        m
        for m in plan.metrics
        if m.required and (held.safe[m.name] < bar or held.rows[m.name] < m.support)
    ]
