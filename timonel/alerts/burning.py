"""Alerts on how fast a budget of bad predictions is spent, over a long and a short window at once.

The windows and factors are those of the SRE Workbook (Beyer et al. 2018, chapter 5, "Multiwindow,
Multi-Burn-Rate Alerts") for a budget over 30 days. The long window says that enough is lost to matter, the
short one that it is still going on, so that the alert ends soon after the cause does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from timonel.alerts.rule import Alert, Group, Record, Urgency, number, percent, span
from timonel.config import Config

BUDGET_PERIOD = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Burn:
    """One pair of windows: who is told when the budget is spent `factor` times as fast as it may be."""

    long: timedelta
    short: timedelta
    factor: float
    urgency: Urgency


BURNS = (
    Burn(timedelta(hours=1), timedelta(minutes=5), 14.4, Urgency.PAGE),
    Burn(timedelta(hours=6), timedelta(minutes=30), 6, Urgency.PAGE),
    Burn(timedelta(days=1), timedelta(hours=2), 3, Urgency.TICKET),
    Burn(timedelta(days=3), timedelta(hours=6), 1, Urgency.TICKET),
)
WINDOWS = tuple(sorted({window for burn in BURNS for window in (burn.long, burn.short)}))


@dataclass(frozen=True, slots=True)
class Indicator:
    """A share of predictions that are bad in one way, and how large it may be."""

    kind: str
    """Names the recorded series: timonel:KIND:ratio_rate5m."""
    alert: str
    bad: str
    """Selector of the counter of bad predictions."""
    total: str
    """Selector of the counter of predictions that could be bad in this way."""
    budget: float
    summary: str
    words: str
    """What the bad predictions did: "failed"."""


def indicators(config: Config) -> tuple[Indicator, ...]:
    """The service's three and the one of data quality."""
    alerts, model = config.monitoring.alerts, config.model.name
    slo = config.monitoring.latency_slo_ms
    mine = f'model="{model}"'
    everything = f"timonel_predictions_total{{{mine}}}"
    return (
        Indicator(
            "errors",
            "TimonelErrorBudgetBurn",
            f'timonel_predictions_total{{{mine},status=~"error|timeout"}}',
            # what was rejected is the caller's fault: it neither fails nor dilutes
            f'timonel_predictions_total{{{mine},status!="rejected"}}',
            alerts.error_budget,
            f"{model}: too many predictions fail",
            "failed or timed out",
        ),
        Indicator(
            "nulls",
            "TimonelNullBudgetBurn",
            f"timonel_predictions_null_total{{{mine}}}",
            f'timonel_predictions_total{{{mine},status="ok"}}',
            alerts.null_budget,
            f"{model}: too many answers hold no prediction",
            "were answered without a prediction",
        ),
        Indicator(
            "slow",
            "TimonelLatencyBudgetBurn",
            f"timonel_predictions_slow_total{{{mine}}}",
            everything,
            1 - alerts.latency_objective,
            f"{model}: too many predictions are slow",
            f"took longer than {slo:g} ms",
        ),
        Indicator(
            "violating",
            "TimonelViolationBudgetBurn",
            f"timonel_predictions_violating_total{{{mine}}}",
            everything,
            alerts.violation_budget,
            f"{model}: too many rows break the data contract",
            "broke the data contract",
        ),
    )


def burning(config: Config, indicator: Indicator) -> Group:
    """The recorded ratios of an indicator and the alerts on them."""
    records = tuple(_record(indicator, window) for window in WINDOWS)
    return Group(
        f"timonel-{config.model.name}-{indicator.kind}", (*records, *_alerts(config, indicator))
    )


def _record(indicator: Indicator, window: timedelta) -> Record:
    bad, total = (
        f"sum by (model) (rate({counter}[{span(window)}]))"
        for counter in (indicator.bad, indicator.total)
    )
    return Record(_ratio(indicator, window), f"{bad}\n/\n{total}")


def _alerts(config: Config, indicator: Indicator) -> Iterator[Alert]:
    least = config.monitoring.alerts.least_failures
    for burn in BURNS:
        limit = number(burn.factor * indicator.budget)
        long, short = (
            f'{_ratio(indicator, window)}{{model="{config.model.name}"}} >= {limit}'
            for window in (burn.long, burn.short)
        )
        enough = f"sum by (model) (increase({indicator.bad}[{span(burn.long)}])) >= {least}"
        yield Alert(
            indicator.alert,
            f"{long}\nand\n{short}\nand\n{enough}",
            burn.urgency,
            indicator.summary,
            _description(indicator, burn),
            labels={"long": span(burn.long), "short": span(burn.short)},
        )


def _description(indicator: Indicator, burn: Burn) -> str:
    lasts = BUDGET_PERIOD / burn.factor
    return (
        f"{{{{ $value | humanizePercentage }}}} of the predictions of the last {span(burn.long)}"
        f" {indicator.words}; {percent(indicator.budget)} may over 30 days. At {burn.factor:g} times"
        f" that pace, where this alert begins, the month's budget lasts {round(lasts / timedelta(days=1))}"
        f" days."
    )


def _ratio(indicator: Indicator, window: timedelta) -> str:
    return f"timonel:{indicator.kind}:ratio_rate{span(window)}"
