"""How much traffic a canary needs before it can be decided: known before the start, or it does not start."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from timonel.canary import noise
from timonel.canary.bernoulli import HARM_ODDS, SAFE_STEPS, Floats, projection
from timonel.canary.course import NEVER, Course, Growth, horizon, played
from timonel.canary.metric import Metric
from timonel.canary.streams import COUNTED, safe_stream
from timonel.errors import BadInput

if TYPE_CHECKING:
    from timonel.canary.plan import CanaryPlan

WORSE = 2.0
"""The harm whose detection is said: so many times the champion's rate."""


@dataclass(frozen=True)
class MetricTraffic:
    """What one metric needs."""

    metric: str
    base_rate: float
    promote_requests: int | None
    """Requests of the canary until it is shown harmless if it is as good; None if it need not be."""
    promote_blocks: int | None
    harm_requests: int | None
    """Until a rate twice the champion's is found, in half of all cases; None if it does not roll back."""
    harm_blocks: int | None


@dataclass(frozen=True)
class Traffic:
    """What a plan needs, and whether that comes within its blocks."""

    requests_per_block: float
    blocks: int
    """Until an equal canary is promoted, with the probability `power`."""
    canary_requests: int
    max_blocks: int
    power: float
    metrics: tuple[MetricTraffic, ...]
    not_planned: tuple[str, ...]
    """Metrics whose evidence cannot be foretold: those of labels, losses and values."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def needed(
    plan: "CanaryPlan", requests: float, base_rates: Mapping[str, float], power: float
) -> Traffic:
    """See `CanaryPlan.required_traffic`."""
    if requests <= 0:
        raise BadInput(f"{requests:g} requests a block, expected more than 0")
    counted = [m for m in plan.metrics if m.kind in COUNTED and (m.required or m.harms)]
    rates = {m.name: _base_rate(m, base_rates) for m in counted}
    safe = {m.name: _safe_growth(plan, m, rates[m.name], requests) for m in counted if m.required}
    course = played(plan, list(safe.values()), requests)
    shown = dict(zip(safe, course.shown.T, strict=True))
    # up to alpha_harm of the equal canaries are rolled back meanwhile
    quantile = min(power / (1 - plan.alpha_harm), 0.995)
    rows = []
    for metric in counted:
        harm = None
        if metric.harms:
            harm = _time(plan, _harm_growth(plan, metric, rates[metric.name], requests))
        ends = _within(shown[metric.name], quantile) if metric.required else None
        rows.append(_row(metric, rates[metric.name], ends, harm, course, requests))
    blocks = _within(course.promoted, quantile)
    if blocks > plan.max_blocks:
        raise _undecidable(plan, requests, rows, blocks)
    canary = int(course.requests[max(blocks, 1) - 1])
    others = tuple(m.name for m in plan.metrics if m.kind not in COUNTED)
    return Traffic(requests, blocks, canary, plan.max_blocks, power, tuple(rows), others)


def _within(ends: NDArray[np.int64], power: float) -> int:
    return int(np.quantile(ends, power, method="higher")) if len(ends) else 0


def _base_rate(metric: Metric, base_rates: Mapping[str, float]) -> float:
    p = base_rates.get(metric.name, metric.base_rate)
    if p is None or not 0 < p < 1:
        raise BadInput(
            f"the base rate of {metric.name!r} is {'not known' if p is None else p}, expected a share "
            "between 0 and 1",
            why="how much traffic a comparison takes depends on how rare the event is",
            fix="give it as base_rate or with --base-rate, or learn it from a history",
        )
    return p


def _row(
    metric: Metric,
    p: float,
    promote: int | None,
    harm: int | None,
    course: Course,
    requests: float,
) -> MetricTraffic:
    had = course.requests
    return MetricTraffic(
        metric.name,
        p,
        None if promote is None else int(had[min(promote, len(had)) - 1]),
        promote,
        None if harm is None else math.ceil(had[0] * harm),
        harm,
    )


def _undecidable(
    plan: "CanaryPlan", requests: float, rows: list[MetricTraffic], blocks: int
) -> BadInput:
    worst = max(rows, key=lambda r: r.promote_blocks or 0)
    metric = next(m for m in plan.metrics if m.name == worst.metric)
    much = f"{blocks:,}" if blocks < NEVER else f"more than {horizon(plan):,}"
    more = math.ceil(10 * min(blocks, horizon(plan)) / plan.max_blocks) / 10
    return BadInput(
        f"this canary cannot be decided: {metric.name} (base rate {worst.base_rate:.4g}, margin "
        f"{metric.margin:g}) needs {much} blocks of {requests:,.0f} requests, max_blocks is "
        f"{plan.max_blocks:,}",
        why="it would end as inconclusive however good it is",
        fix=f"about {more:.1f} times the traffic on the canary or more (higher steps), a larger margin, or "
        f"max_blocks {much}",
    )


def _safe_growth(plan: "CanaryPlan", metric: Metric, p: float, requests: float) -> Growth:
    edge = metric.ratio * p + (metric.margin or 0.0)
    start = p if metric.ratio > 0 else edge / 4
    bets = start + SAFE_STEPS * (edge - start)
    return _growth(plan, metric, p, p, bets, metric.margin or 0.0, requests, plan.safe_bar)


def _harm_growth(plan: "CanaryPlan", metric: Metric, p: float, requests: float) -> Growth:
    edge = metric.ratio * p + metric.harm_margin
    odds = edge / (1 - edge) * HARM_ODDS
    worse = min(WORSE * p + metric.harm_margin, (1 + p) / 2)
    bar = plan.harm_bar(metric.name) * max(len(metric.edges), 1)
    return _growth(plan, metric, p, worse, odds / (1 + odds), metric.harm_margin, requests, bar)


def _growth(
    plan: "CanaryPlan",
    metric: Metric,
    p: float,
    q: float,
    bets: Floats,
    shift: float,
    requests: float,
    bar: float,
) -> Growth:
    """Of the best bet, when the champion's rate is p and the canary's q; (steps,)."""
    share = np.array(plan.steps, dtype=np.float64)[:, None] / 100
    n_s, n_c = requests * (1 - share), requests * share
    if plan.unseen:
        n_s = n_c = np.full_like(share, requests)
    a, one = np.full_like(bets, p), np.ones_like(bets)
    a0, b0 = projection(a, bets, n_s, n_c, metric.ratio * one, shift * one)
    up_s, up_c = np.log(a / a0), np.log(bets / b0)
    down_s, down_c = np.log((1 - a) / (1 - a0)), np.log((1 - bets) / (1 - b0))
    mean = n_s * (p * up_s + (1 - p) * down_s) + n_c * (q * up_c + (1 - q) * down_c)
    variance = n_s * p * (1 - p) * (up_s - down_s) ** 2 + n_c * q * (1 - q) * (up_c - down_c) ** 2
    best = mean.sum(axis=0).argmax()
    phi = _phi(plan, metric, p, n_s[:, 0], n_c[:, 0])
    return Growth(mean[:, best] / phi, variance[:, best] / phi, math.log(bar) + math.log(len(bets)))


def _phi(plan: "CanaryPlan", metric: Metric, p: float, n_s: Floats, n_c: Floats) -> Floats:
    counts = np.stack([n_s, n_s * p, n_c, n_c * p], axis=-1)
    ratio, rate = np.full_like(n_s, metric.ratio), np.full_like(n_s, p)
    own = metric.noise or 0.0
    own = own[safe_stream(metric)] if isinstance(own, tuple) else own
    wide = noise.phi(np.full_like(n_s, own), rate, counts, ratio)
    return wide + plan.streams.design_effect(counts) - 1


def _time(plan: "CanaryPlan", growth: Growth) -> int:
    """Blocks until the bar is passed in the mean, on the first step."""
    return min(math.ceil(growth.bar / max(float(growth.mean[0]), 1e-12)), horizon(plan) + 1)
