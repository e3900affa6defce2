"""Alerts on the watch itself: labels, detectors, the monitor, silence. What nobody sees is not healthy."""

from datetime import timedelta

from timonel.alerts.rule import Alert, Group, Urgency, number, percent, span
from timonel.config import Config

DETECTOR_STALE_FOR = timedelta(minutes=5)
"""On top of `monitoring.monitor.stale_after`, after which the monitor says that a detector is not up."""


def labelling(config: Config) -> Group:
    """Labels that do not come, or too few of them."""
    alerts, model = config.monitoring.alerts, config.model.name
    rules = _labels(config) if alerts.labels else ()
    return Group(f"timonel-{model}-labels", rules)


def detecting(config: Config) -> Group:
    """Detectors that are silent or behind."""
    alerts, model = config.monitoring.alerts, config.model.name
    lag = alerts.detector_lag.total_seconds()
    return Group(
        f"timonel-{model}-detectors",
        (
            Alert(
                "TimonelDetectorStale",
                f'max by (model, detector) (timonel_detector_up{{model="{model}"}}) == 0',
                Urgency.TICKET,
                f"{model}: a detector is silent",
                "The monitor has not heard of detector {{ $labels.detector }} for longer than it should:"
                " what this pod serves is not watched.",
                held=DETECTOR_STALE_FOR,
            ),
            Alert(
                "TimonelDetectorName",
                f'max by (model, detector) (timonel_detector_contested{{model="{model}"}}) == 1',
                Urgency.TICKET,
                f"{model}: two detectors go by one name",
                "Two detectors are named {{ $labels.detector }}: what the second one sends is refused, and is"
                " not watched.",
            ),
            Alert(
                "TimonelDetectorLag",
                f'max by (model, detector) (timonel_detector_lag_seconds{{model="{model}"}})'
                f" >= {number(lag)}",
                Urgency.TICKET,
                f"{model}: a detector is behind",
                "The newest event of detector {{ $labels.detector }} is {{ $value | humanizeDuration }}"
                f" behind the newest of all; {span(alerts.detector_lag)} is tolerated.",
                held=alerts.page_for,
            ),
        ),
    )


def living(config: Config) -> Group:
    """The monitor's own life, silence, and the alert that must never stop."""
    return Group(
        f"timonel-{config.model.name}-monitor",
        (_dead(config), _hung(config), _no_data(config), _watchdog(config)),
    )


def _labels(config: Config) -> tuple[Alert, ...]:
    alerts, model = config.monitoring.alerts, config.model.name
    grace, first = alerts.label_grace, config.data.label_delay + alerts.label_grace
    newest = f'timonel_newest_label_timestamp_seconds{{model="{model}"}}'
    event = f'timonel_newest_event_timestamp_seconds{{model="{model}"}}'
    summary = f"{model}: no labels come"
    return (
        Alert(
            "TimonelLabelsMissing",
            # both in event time: the watch may be a replay
            f"max by (model) ({event}) - max by (model) ({newest}) >= {number(grace.total_seconds())}",
            Urgency.TICKET,
            summary,
            "The newest label arrived {{ $value | humanizeDuration }} before the newest prediction;"
            f" {span(grace)} without labels is tolerated.",
            held=alerts.ticket_for,
            labels={"labels": "stopped"},
        ),
        Alert(
            "TimonelLabelsMissing",
            f"max by (model) ({event})\nunless on (model)\n{newest}",
            Urgency.TICKET,
            summary,
            "No label has ever come; the first was expected within"
            f" {span(first)}, the newest prediction is of {{{{ $value | humanizeTimestamp }}}}.",
            held=first,
            labels={"labels": "never"},
        ),
        Alert(
            "TimonelLabelsImmature",
            f'max by (model) (timonel_labels_mature_share{{model="{model}"}})'
            # where none has ever come that is the alert
            f" < {number(alerts.mature_share)}\nand on (model)\n{newest}",
            Urgency.TICKET,
            f"{model}: too few predictions get their label",
            "{{ $value | humanizePercentage }} of the predictions old enough have their label;"
            f" {percent(alerts.mature_share)} is expected. Performance is told from the few.",
            held=alerts.ticket_for,
        ),
    )


def _dead(config: Config) -> Alert:
    alerts, model = config.monitoring.alerts, config.model.name
    return Alert(
        "TimonelMonitorDead",
        f'absent(timonel_model_state{{model="{model}"}})',
        Urgency.PAGE,
        f"{model}: nobody watches it",
        f"Prometheus has had no series of the monitor of {model} for {span(alerts.page_for)}:"
        " it does not run, or is not scraped.",
        held=alerts.page_for,
        labels={"model": model, "monitor": "gone"},
    )


def _hung(config: Config) -> Alert:
    alerts, model = config.monitoring.alerts, config.model.name
    heartbeat = "max by (job, instance) (timonel_monitor_heartbeat_timestamp_seconds)"
    # only the monitor of this model: its process shows the model's state
    mine = f'max by (job, instance) (timonel_model_state{{model="{model}"}})'
    return Alert(
        "TimonelMonitorDead",
        f"time() - {heartbeat} >= {number(alerts.heartbeat.total_seconds())}\nand on (job, instance)\n{mine}",
        Urgency.PAGE,
        f"{model}: nobody watches it",
        "The monitor answers, but its last round of judging ended"
        f" {{{{ $value | humanizeDuration }}}} ago; {span(alerts.heartbeat)} is tolerated.",
        labels={"model": model, "monitor": "hung"},
    )


def _no_data(config: Config) -> Alert:
    alerts, model = config.monitoring.alerts, config.model.name
    state = f'timonel_model_state{{model="{model}",state=~"no_data|stale"}}'
    return Alert(
        "TimonelNoData",
        f"max by (model, state) ({state}) >= 1",
        Urgency.PAGE,
        f"{model}: nothing is known of it",
        f"The monitor has held the state {{{{ $labels.state }}}} for {span(alerts.no_data_for)}: no"
        " predictions reach it. Whether the model serves well is unknown.",
        held=alerts.no_data_for,
    )


def _watchdog(config: Config) -> Alert:
    model = config.model.name
    return Alert(
        "TimonelWatchdog",
        "vector(1)",
        Urgency.NONE,
        f"{model}: alerts are delivered",
        "This alert always fires (value {{ $value }}). Whoever receives it must raise the alarm when it"
        " stops: then Prometheus or Alertmanager is down and no other alert comes.",
        labels={"model": model},
    )
