"""For every alerting rule of the default settings: series just below its threshold and at it.

Limits are written out here, not read from the rules. The model is examples/fraud: its labels take 7 days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Series = dict[str, str]
MODEL = 'model="fraud"'


@dataclass(frozen=True)
class Case:
    """Series, a moment, and whether the rule fires then."""

    alert: str
    variant: str
    """Labels that tell it from rules of the same name: 'severity="page",long="1h"'."""
    why: str
    series: Series
    at: str
    fires: bool
    step: str = "1m"

    @property
    def document(self) -> dict[str, Any]:
        """One test of promtool: how many series of the rule fire."""
        chosen = (
            f'ALERTS{{alertname="{self.alert}",alertstate="firing",model="fraud",{self.variant}}}'
        )
        return {
            "name": f"{self.alert}: {self.why}",
            "interval": self.step,
            "input_series": [{"series": s, "values": v} for s, v in self.series.items()],
            "promql_expr_test": [
                {
                    "expr": f"count({chosen})",
                    "eval_time": self.at,
                    "exp_samples": [{"labels": "{}", "value": 1}] if self.fires else [],
                }
            ],
        }


def level(name: str, labels: str, value: float, steps: int = 400) -> Series:
    """A gauge that stands still."""
    return {f"{name}{{{MODEL},{labels}}}".replace(",}", "}"): f"{value!r}+0x{steps}"}


def cases() -> Iterator[Case]:
    """All of them."""
    yield from (*_burns(), *_performance(), *_episodes(), *_labels(), *_detectors(), *_monitor())


BUDGETS = {
    "TimonelErrorBudgetBurn": 0.001,
    "TimonelNullBudgetBurn": 0.005,
    "TimonelLatencyBudgetBurn": 0.01,
    "TimonelViolationBudgetBurn": 0.01,
}
BURNS = (
    ("1h", "page", 14.4, 60, "1m"),
    ("6h", "page", 6, 72, "5m"),
    ("1d", "ticket", 3, 72, "20m"),
    ("3d", "ticket", 1, 72, "60m"),
)
"""Long window, severity, factor, the window's length in steps, a step."""
_COUNTERS = {
    "TimonelErrorBudgetBurn": 'timonel_predictions_total{model="fraud",version="1",status="timeout"}',
    "TimonelNullBudgetBurn": 'timonel_predictions_null_total{model="fraud",version="1"}',
    "TimonelLatencyBudgetBurn": 'timonel_predictions_slow_total{model="fraud",version="1"}',
    "TimonelViolationBudgetBurn": 'timonel_predictions_violating_total{model="fraud",version="1"}',
}
_TRAFFIC = 1_000_000


def traffic(alert: str, share: float, steps: int, size: int = _TRAFFIC, calm: int = 0) -> Series:
    """Steady traffic of two versions, a share of it bad; after it `calm` steps with none bad."""
    bad = round(size * share)
    ok = size - bad if alert == "TimonelErrorBudgetBurn" else size
    served = "timonel_predictions_total{model=%r,version=%r,status=%r}"
    lasting = f" {bad * steps}+0x{calm}" if calm else ""
    return {
        served.replace("%r", '"%s"') % ("fraud", "1", "ok"): f"0+{ok // 2}x{steps + calm}",
        served.replace("%r", '"%s"') % ("fraud", "2", "ok"): f"0+{ok - ok // 2}x{steps + calm}",
        # another model that fails altogether must not matter
        served.replace("%r", '"%s"') % ("other", "1", "error"): f"0+{size}x{steps + calm}",
        _COUNTERS[alert]: f"0+{bad}x{steps}{lasting}",
    }


def _burns() -> Iterator[Case]:
    for alert, budget in BUDGETS.items():
        for long, severity, factor, steps, step in BURNS:
            variant = f'severity="{severity}",long="{long}"'
            for side, fires in ((0.999, False), (1.001, True)):
                share = budget * factor * side
                why = f"{side} of the share that {long} allow"
                at = f"{steps * int(step[:-1])}m"
                yield Case(alert, variant, why, traffic(alert, share, steps), at, fires, step)
        page = 'severity="page",long="1h"'
        mended = traffic(alert, budget * 40, 55, calm=7)
        yield Case(alert, page, "mended 6 minutes ago", mended, "61m", False)
        for count, fires in ((4, False), (5, True)):
            yield Case(
                alert, page, f"{count} bad ones of 20 at night", _night(alert, count), "60m", fires
            )
    refused = {
        'timonel_predictions_total{model="fraud",version="1",status="rejected"}': "0+1000000x60"
    }
    failing = traffic("TimonelErrorBudgetBurn", 0.0145, 60) | refused
    page = 'severity="page",long="1h"'
    yield Case("TimonelErrorBudgetBurn", page, "refusals do not dilute", failing, "60m", True)


def _night(alert: str, bad: int) -> Series:
    """No traffic for 40 minutes, then a prediction a minute, the last ones bad."""
    ok = 20 - bad if alert == "TimonelErrorBudgetBurn" else 20
    return {
        'timonel_predictions_total{model="fraud",version="1",status="ok"}': f"0+0x40 1+1x{ok - 1} {ok}+0x20",
        _COUNTERS[alert]: f"0+0x{60 - bad} 1+1x{bad}",
    }


def performing(metric: str, end: str, value: float, bound: str, limit: float) -> Series:
    """An end of a figure's interval and a bound of its healthy band."""
    whole = f'metric="{metric}",version="",window="1d"'
    return {
        **level(f"timonel_metric_{end}", whole, value),
        **level("timonel_metric_baseline", f'metric="{metric}",bound="{bound}"', limit),
    }


def _performance() -> Iterator[Case]:
    low, below, above = "TimonelPerformanceLow", 'worse="below"', 'worse="above"'
    yield Case(
        low, below, "at the band", performing("recall", "upper", 0.9, "lower", 0.9), "2h", False
    )
    worse = performing("recall", "upper", 0.899, "lower", 0.9)
    yield Case(low, below, "below it, not long", worse, "59m", False)
    yield Case(low, below, "below it", worse, "60m", True)
    lists = performing("recall@10", "upper", 0.4, "lower", 0.5)
    yield Case(low, below, "a figure with particulars", lists, "60m", True)
    guess = performing("estimated_recall", "upper", 0.4, "lower", 0.5)
    yield Case(low, below, "an estimate", guess, "60m", False)
    one = 'metric="recall",version="2",window="1d"'
    part = level("timonel_metric_upper", one, 0.1) | performing(
        "recall", "upper", 0.95, "lower", 0.9
    )
    yield Case(low, below, "one version alone", part, "60m", False)
    fine = level("timonel_metric_upper", one, 0.95) | worse
    yield Case(low, below, "all but one version", fine, "60m", True)
    yield Case(
        low, above, "at the band", performing("brier", "lower", 0.1, "upper", 0.1), "2h", False
    )
    yield Case(
        low, above, "above it", performing("brier", "lower", 0.101, "upper", 0.1), "60m", True
    )
    gap = 'metric="recall_gap",version="",window="1d"'
    for value, fires in ((-0.0499, False), (-0.05, True)):
        found = level("timonel_metric_upper", gap, value)
        yield Case("TimonelPerformanceGap", 'severity="ticket"', f"{value}", found, "60m", fires)
    yield Case("TimonelPerformanceGap", 'severity="ticket"', "not long", found, "59m", False)


def _episodes() -> Iterator[Case]:
    metrics = {
        "TimonelDriftOpen": "timonel_drift_episodes_open",
        "TimonelAnomalyOpen": "timonel_anomalies_open",
    }
    for alert, metric in metrics.items():
        for severity, held in (("page", 5), ("ticket", 60)):
            variant, own = f'severity="{severity}"', f'severity="{severity}"'
            for count, at, fires in ((0, held, False), (1, held - 1, False), (1, held, True)):
                series = level(metric, own, count) | level(metric, 'severity="info"', 3)
                yield Case(alert, variant, f"{count} for {at} min", series, f"{at}m", fires)


def labels_behind(seconds: float) -> Series:
    """The newest label, so much behind the newest prediction."""
    event, label = (
        "timonel_newest_event_timestamp_seconds",
        "timonel_newest_label_timestamp_seconds",
    )
    return level(event, "", 2_000_000) | level(label, "", 2_000_000 - seconds)


def _labels() -> Iterator[Case]:
    missing, stopped, never = "TimonelLabelsMissing", 'labels="stopped"', 'labels="never"'
    for seconds, at, fires in ((86_399, 60, False), (86_400, 59, False), (86_400, 60, True)):
        why = f"{seconds} s behind for {at} min"
        yield Case(missing, stopped, why, labels_behind(seconds), f"{at}m", fires)
    served = level("timonel_newest_event_timestamp_seconds", "", 2_000_000)
    for hours, fires in ((191, False), (192, True)):
        yield Case(missing, never, f"none in {hours} h", served, f"{hours}h", fires, "1h")
    some = labels_behind(0)
    yield Case(missing, never, "some have come", some, "192h", False, "1h")
    none = level("timonel_labels_mature_share", "", 0.0)
    yield Case("TimonelLabelsImmature", 'severity="ticket"', "none ever came", none, "60m", False)
    for share, at, fires in ((0.5, 60, False), (0.499, 59, False), (0.499, 60, True)):
        series = level("timonel_labels_mature_share", "", share) | labels_behind(0)
        why = f"{share} for {at} min"
        yield Case("TimonelLabelsImmature", 'severity="ticket"', why, series, f"{at}m", fires)


def _detectors() -> Iterator[Case]:
    one, ticket = 'detector="pod-1"', 'severity="ticket"'
    for up, at, fires in ((1, 5, False), (0, 4, False), (0, 5, True)):
        series = level("timonel_detector_up", one, up) | level(
            "timonel_detector_up", 'detector="b"', 1
        )
        yield Case("TimonelDetectorStale", ticket, f"up {up} for {at} min", series, f"{at}m", fires)
    for two, fires in ((0, False), (1, True)):
        series = level("timonel_detector_contested", one, two)
        yield Case("TimonelDetectorName", ticket, f"contested {two}", series, "5m", fires)
    for lag, at, fires in ((899, 5, False), (900, 4, False), (900, 5, True)):
        series = level("timonel_detector_lag_seconds", one, lag)
        yield Case("TimonelDetectorLag", ticket, f"{lag} s for {at} min", series, f"{at}m", fires)


def beating(instance: str, at: float, models: tuple[str, ...]) -> Series:
    """A monitor whose last round was at that moment."""
    where = f'job="monitor",instance="{instance}"'
    states = {
        f'timonel_model_state{{model="{model}",state="well",{where}}}': "1+0x400"
        for model in models
    }
    return states | {f"timonel_monitor_heartbeat_timestamp_seconds{{{where}}}": f"{at}+0x400"}


def _monitor() -> Iterator[Case]:
    dead, gone, hung = "TimonelMonitorDead", 'monitor="gone"', 'monitor="hung"'
    other = level("timonel_model_state", 'state="well"', 1)
    yield Case(dead, gone, "it is there", other, "5m", False)
    yield Case(dead, gone, "gone for 4 min", {}, "4m", False)
    yield Case(dead, gone, "gone for 5 min", {}, "5m", True)
    yield Case(dead, hung, "the last round 299 s ago", beating("a", 1, ("fraud",)), "5m", False)
    yield Case(dead, hung, "the last round 300 s ago", beating("a", 0, ("fraud",)), "5m", True)
    foreign = beating("a", 0, ("other",)) | beating("b", 300, ("fraud",))
    yield Case(dead, hung, "another model's monitor hangs", foreign, "5m", False)
    for state in ("no_data", "stale"):
        for value, at, fires in ((0, 15, False), (1, 14, False), (1, 15, True)):
            series = level("timonel_model_state", f'state="{state}"', value)
            why = f"{state} {value} for {at} min"
            yield Case("TimonelNoData", f'state="{state}"', why, series, f"{at}m", fires)
    yield Case("TimonelWatchdog", 'severity="none"', "always", {}, "0m", True)
