"""Alerts on the model itself: what labels show, what drifts, what the monitor holds to be abnormal."""

from timonel.alerts.rule import Alert, Group, Urgency, number, span
from timonel.anomalies.traits import TRAITS, Worse
from timonel.config import Config

LOSSES = ("brier", "cost_per_prediction", "ece", "log_loss")
"""Realised figures of which less is better."""
MERITS = tuple(
    sorted(
        name.rstrip("@")
        for name, trait in TRAITS.items()
        if trait.worse is Worse.DOWN and not name.endswith(("_gap", "@"))
    )
)
"""Realised figures of which more is better."""
_PARTICULARS = "([@:[].*)?"
"""What may follow a figure's name: "recall[spam]", "precision@10"."""


def performing(config: Config) -> Group:
    """Realised performance out of its healthy band, and below what is estimated without labels."""
    model = config.model.name
    return Group(
        f"timonel-{model}-performance",
        (
            _outside(config, MERITS, "upper", "<", "lower", ("at most", "below", "from")),
            _outside(config, LOSSES, "lower", ">", "upper", ("at least", "above", "up to")),
            _gap(config),
        ),
    )


def drifting(config: Config) -> Group:
    """Open episodes of drift, by severity."""
    return Group(
        f"timonel-{config.model.name}-drift",
        _open(
            config,
            "TimonelDriftOpen",
            "timonel_drift_episodes_open",
            "features have drifted",
            "feature(s) have been away from the reference for longer than",
        ),
    )


def abnormal(config: Config) -> Group:
    """Open anomalies of any metric, by severity."""
    return Group(
        f"timonel-{config.model.name}-anomalies",
        _open(
            config,
            "TimonelAnomalyOpen",
            "timonel_anomalies_open",
            "the monitor holds something to be abnormal",
            "anomalies have been open for longer than",
        ),
    )


def _outside(
    config: Config,
    metrics: tuple[str, ...],
    end: str,
    comparison: str,
    bound: str,
    words: tuple[str, str, str],
) -> Alert:
    """The whole 95 % interval must lie outside, so that few labels alone do not alert."""
    model, (at, side, begins) = config.model.name, words
    names = f"({'|'.join(metrics)}){_PARTICULARS}"
    interval = f'timonel_metric_{end}{{model="{model}",version="",window="1d",metric=~"{names}"}}'
    band = f'timonel_metric_baseline{{model="{model}",bound="{bound}"}}'
    asked = f"timonel_metric_baseline{{model='{model}',metric='%s',bound='{bound}'}}"
    healthy = (
        f'{{{{ with printf "{asked}" $labels.metric | query }}}}'
        "{{ . | first | value | printf `%.4g` }}{{ end }}"
    )
    return Alert(
        "TimonelPerformanceLow",
        f"max by (model, metric) ({interval})\n{comparison}\nmax by (model, metric) ({band})",
        Urgency.TICKET,
        f"{model}: labels show that it predicts worse than it should",
        f"{{{{ $labels.metric }}}} of the last day is {at} {{{{ $value | printf `%.4g` }}}} (95 % interval),"
        f" {side} its healthy band, {begins} {healthy}.",
        held=config.monitoring.alerts.ticket_for,
        labels={"worse": side},
    )


def _gap(config: Config) -> Alert:
    model, largest = config.model.name, config.monitoring.alerts.largest_gap
    gap = f'timonel_metric_upper{{model="{model}",version="",window="1d",metric=~".+_gap"}}'
    return Alert(
        "TimonelPerformanceGap",
        f"max by (model, metric) ({gap}) <= -{number(largest)}",
        Urgency.TICKET,
        f"{model}: labels contradict the performance that is estimated without them",
        f"{{{{ $labels.metric }}}}, realised less estimated on the same rows of the last day, is at most"
        f" {{{{ $value | printf `%.4g` }}}} (95 % interval); -{number(largest)} is tolerated. What the inputs"
        " say of the outcome has changed.",
        held=config.monitoring.alerts.ticket_for,
    )


def _open(config: Config, name: str, metric: str, what: str, words: str) -> tuple[Alert, ...]:
    model, alerts = config.model.name, config.monitoring.alerts
    held = {Urgency.PAGE: alerts.page_for, Urgency.TICKET: alerts.ticket_for}
    return tuple(
        Alert(
            name,
            f'max by (model) ({metric}{{model="{model}",severity="{urgency}"}}) >= 1',
            urgency,
            f"{model}: {what}",
            f"{{{{ $value }}}} {words} {span(length)}, at severity {urgency}.",
            held=length,
        )
        for urgency, length in held.items()
    )
