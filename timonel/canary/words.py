"""The judge's reasons: sentences with the numbers that made them so."""

from timonel.canary.decision import MetricEvidence
from timonel.canary.metric import Metric
from timonel.performance.value import Measured
from timonel.terms import Evidence

_WHAT = {
    Evidence.RATE: "bad",
    Evidence.LATENCY: "slower than {slo:g}",
    Evidence.PAIRED: "wrong alone",
}


def harmed(metric: Metric, found: MetricEvidence) -> str:
    """Why a metric rolls back."""
    worse = "" if metric.harm_margin == 0 else f" by more than {metric.harm_margin:g}"
    bar = found.harm_bar or 0.0
    return (
        f"{metric.name}: the canary is worse{worse}: {compared(metric, found)}; evidence of harm "
        f"{number(found.e_harm)}, {number(bar)} suffices"
    )


def shown_safe(metric: Metric, found: MetricEvidence) -> str:
    """Why a metric does not stand against a promotion."""
    return (
        f"{metric.name}: {_bound(metric)}: {compared(metric, found)}; evidence "
        f"{number(found.e_safe)}, {number(found.safe_bar)} suffices"
    )


def not_yet(metric: Metric, e_safe: float, bar: float, rows: float) -> str:
    """What a metric still lacks."""
    few = f", {rows:,.0f} of {metric.support:,} rows" if rows < metric.support else ""
    return (
        f"{metric.name}: not yet shown that it is {_bound(metric)}: evidence {number(e_safe)} of "
        f"{number(bar)}{few}"
    )


def _bound(metric: Metric) -> str:
    if metric.ratio == 0:
        return f"below {metric.margin:g}"
    if metric.margin == 0:
        return "better" if metric.kind is Evidence.VALUE else f"below {metric.ratio:g} times"
    times = "" if metric.ratio == 1 else f" than {metric.ratio:g} times the champion"
    return f"worse{times} by less than {metric.margin:g}"


def compared(metric: Metric, found: MetricEvidence) -> str:
    """Both arms and their difference."""
    if metric.kind in (Evidence.LOSS, Evidence.VALUE):
        return f"difference {_interval(found.difference)}"
    what = _WHAT.get(metric.kind, "beyond the lowest decile").format(
        slo=metric.edges[metric.slo_edge] if metric.kind is Evidence.LATENCY else 0
    )
    arms = f"{_share(found.canary)} of {found.canary.n:,} {what}, champion {_share(found.stable)}"
    return f"{arms}, difference {_interval(found.difference)}"


def number(e: float | None) -> str:
    """An e-value."""
    if e is None:
        return "-"
    return f"{e:.3g}" if e < 1e6 else f"{e:.0e}"


def _share(rate: Measured) -> str:
    return "unknown" if rate.value is None else f"{100 * rate.value:.3g} %"


def _interval(m: Measured) -> str:
    if m.value is None or m.lower is None or m.upper is None:
        return str(m.state)
    return f"{m.value:+.3g} ({m.lower:+.3g} to {m.upper:+.3g})"
