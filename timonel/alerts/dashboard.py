"""The Grafana dashboard: one for all models, in the order of the model's page."""

import json
from typing import Any

from timonel.alerts.panels import SOURCE, Panel, Query, Section, laid_out

_M = 'model="$model"'
_ALL = f'{_M},version=""'
_RATE = "$__rate_interval"
_STATES = {
    "well": "green",
    "watch": "yellow",
    "degraded": "red",
    "learning": "blue",
    "no_data": "text",
    "stale": "purple",
}
_SEVERITIES = {"page": "red", "ticket": "orange", "info": "blue"}


def dashboard() -> str:
    """Grafana's JSON, the same for the same code, as a file for import or provisioning."""
    return json.dumps(_document(), indent=2) + "\n"


def _document() -> dict[str, Any]:
    return {
        "uid": "timonel-model",
        "title": "Timonel: a model in production",
        "description": "Whether the model is well, since when it is not, and what to look at.",
        "tags": ["timonel"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "timezone": "browser",
        "time": {"from": "now-7d", "to": "now"},
        "templating": {"list": _variables()},
        "annotations": {"list": [_alerts_marked()]},
        "panels": laid_out(SECTIONS),
    }


def _variables() -> list[dict[str, Any]]:
    source = {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": "Prometheus",
    }
    model = _asked("model", "label_values(timonel_model_state, model)", "Model")
    metric = _asked("metric", f"label_values(timonel_metric{{{_M}}}, metric)", "Figure")
    return [source, model, metric]


def _asked(name: str, query: str, label: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "label": label,
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": False,
        "includeAll": False,
    }


def _alerts_marked() -> dict[str, Any]:
    return {
        "name": "Alerts",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": f'ALERTS{{{_M},alertstate="firing",alertname!="TimonelWatchdog"}}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{severity}}",
    }


def _share(part: str, whole: str = "timonel_predictions_total", by: str = "model") -> str:
    bad = part if "{" in part else f"{part}{{{_M}}}"
    good = whole if "{" in whole else f"{whole}{{{_M}}}"
    return f"sum by ({by}) (rate({bad}[{_RATE}])) / sum by ({by}) (rate({good}[{_RATE}]))"


_FAILED = f'timonel_predictions_total{{{_M},status=~"error|timeout"}}'
_VALID = f'timonel_predictions_total{{{_M},status!="rejected"}}'
_ANSWERED = f'timonel_predictions_total{{{_M},status="ok"}}'
_FIGURE = f'{_ALL},metric="$metric",window="1d"'

VERDICT = Section(
    "Verdict",
    (
        Panel(
            "State",
            "The monitor's verdict now. No data and stale are never well.",
            (Query(f"timonel_model_state{{{_M}}} == 1", "{{state}}"),),
            "stat",
            width=4,
            colours=_STATES,
        ),
        Panel(
            "State over time",
            "Since when it is so.",
            (Query(f"timonel_model_state{{{_M}}} == 1", "{{state}}"),),
            "state-timeline",
            width=10,
            colours=_STATES,
        ),
        Panel(
            "Anomalies open",
            "By severity: page is for somebody at once, ticket for this week.",
            (Query(f"max by (severity) (timonel_anomalies_open{{{_M}}})", "{{severity}}"),),
            "stat",
            width=4,
            colours=_SEVERITIES,
        ),
        Panel(
            "Alerts firing",
            "What Prometheus alerts on; each alert's runbook_url says what to do.",
            (
                Query(
                    f'ALERTS{{{_M},alertstate="firing",alertname=~"Timonel.+",alertname!="TimonelWatchdog"}}'
                ),
            ),
            "table",
            width=6,
        ),
    ),
)
PERFORMANCE = Section(
    "Performance",
    (
        Panel(
            "$metric of the last day",
            "Its 95 % interval and healthy band. A gap is a time of which nothing is known.",
            (
                Query(f"timonel_metric{{{_FIGURE}}}", "value"),
                Query(f"timonel_metric_lower{{{_FIGURE}}}", "lower end"),
                Query(f"timonel_metric_upper{{{_FIGURE}}}", "upper end"),
                Query(
                    f'timonel_metric_baseline{{{_M},metric="$metric"}}', "healthy band, {{bound}}"
                ),
            ),
            width=12,
        ),
        Panel(
            "Realised less estimated",
            "On the same rows. Below 0 and staying there: what the inputs say of the outcome has changed.",
            (
                Query(
                    f'timonel_metric{{{_ALL},window="1d",metric=~".+_gap"}}',
                    "{{metric}}",
                ),
            ),
            width=6,
        ),
        Panel(
            "All figures of the last day",
            "What the monitor can tell now; a figure that cannot be told is not there.",
            (Query(f'timonel_metric{{{_ALL},window="1d"}}', "{{metric}}"),),
            "table",
            width=6,
        ),
    ),
)
DRIFT = Section(
    "Drift",
    (
        Panel(
            "Drift by feature, now",
            "The last day against the reference, in the feature's own standard deviations (of categories:"
            " share of rows that moved).",
            (Query(f"topk(20, timonel_drift_effect{{{_M}}})", "{{feature}}"),),
            "bargauge",
        ),
        Panel(
            "Drift by feature",
            "The ten that drift most.",
            (Query(f"topk(10, timonel_drift_effect{{{_M}}})", "{{feature}}"),),
        ),
        Panel(
            "Episodes of drift open",
            "By severity.",
            (Query(f"max by (severity) (timonel_drift_episodes_open{{{_M}}})", "{{severity}}"),),
            colours=_SEVERITIES,
        ),
    ),
)
SERVICE = Section(
    "Service",
    (
        Panel(
            "Predictions a second",
            "By status; rejected is the caller's fault.",
            (
                Query(
                    f"sum by (status) (rate(timonel_predictions_total{{{_M}}}[{_RATE}]))",
                    "{{status}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Bad predictions",
            "Shares that spend a budget: failed of those not rejected, null of those answered, slow of all.",
            (
                Query(_share(_FAILED, _VALID), "failed"),
                Query(_share("timonel_predictions_null_total", _ANSWERED), "null"),
                Query(_share("timonel_predictions_slow_total"), "slow"),
            ),
            unit="percentunit",
        ),
        Panel(
            "Latency of the last hour",
            "Quantiles of all predictions, as the monitor counts them.",
            (
                Query(
                    f'timonel_metric{{{_ALL},window="1h",metric=~"p(50|95|99)_latency_ms"}}',
                    "{{metric}}",
                ),
            ),
            unit="ms",
        ),
        Panel(
            "Requests by outcome",
            "What the predictor answered, by version.",
            (
                Query(
                    f'sum by (code, version) (rate(timonel_requests_total{{model_name="$model"}}[{_RATE}]))',
                    "{{code}} {{version}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Time of a request, p99",
            "From its body to its response in the predictor, by version.",
            (
                Query(
                    "histogram_quantile(0.99, sum by (le, version) "
                    f'(rate(timonel_request_seconds_bucket{{model_name="$model"}}[{_RATE}])))',
                    "{{version}}",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Queues of the predictor",
            "Requests that wait for the model, inferences that wait to be logged.",
            (
                Query(
                    'sum by (version) (timonel_queue_depth{model_name="$model"})',
                    "model {{version}}",
                ),
                Query(
                    'sum by (version) (timonel_log_queue_depth{model_name="$model"})',
                    "log {{version}}",
                ),
            ),
        ),
    ),
)
QUALITY = Section(
    "Data quality",
    (
        Panel(
            "Rows that break the contract",
            "As a share of all rows.",
            (Query(_share("timonel_predictions_violating_total"), "violating"),),
            unit="percentunit",
            width=12,
        ),
        Panel(
            "Violations by column and rule",
            "What the predictor refused or marked, a second.",
            (
                Query(
                    "topk(10, sum by (column, rule) "
                    f'(rate(timonel_contract_violations_total{{model_name="$model"}}[{_RATE}])))',
                    "{{column}}: {{rule}}",
                ),
            ),
            unit="reqps",
            width=12,
        ),
    ),
)
VERSIONS = Section(
    "Versions",
    (
        Panel(
            "Predictions a second",
            "By version.",
            (
                Query(
                    f"sum by (version) (rate(timonel_predictions_total{{{_M}}}[{_RATE}]))",
                    "{{version}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Failed predictions",
            "Share by version.",
            (Query(_share(_FAILED, _VALID, by="version"), "{{version}}"),),
            unit="percentunit",
        ),
        Panel(
            "$metric of the last day",
            "By version.",
            (
                Query(
                    f'timonel_metric{{{_M},version!="",metric="$metric",window="1d"}}',
                    "{{version}}",
                ),
            ),
        ),
    ),
)
LABELS = Section(
    "Labels",
    (
        Panel(
            "Labels a second",
            "By what became of them.",
            (
                Query(
                    f"sum by (outcome) (rate(timonel_labels_total{{{_M}}}[{_RATE}]))", "{{outcome}}"
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Predictions with their label",
            "Share, of the newest day whose labels should have come.",
            (Query(f"timonel_labels_mature_share{{{_M}}}", "share"),),
            unit="percentunit",
        ),
        Panel(
            "Time without labels",
            "From the arrival of the newest to the newest prediction: grows where labels have stopped.",
            (
                Query(
                    f"timonel_newest_event_timestamp_seconds{{{_M}}}"
                    f" - timonel_newest_label_timestamp_seconds{{{_M}}}",
                    "without",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Labels that wait for their prediction",
            "Growing: they name predictions that the monitor never saw.",
            (Query(f"timonel_labels_waiting{{{_M}}}", "waiting"),),
        ),
    ),
)
DETECTORS = Section(
    "Detectors and monitor",
    (
        Panel(
            "Lag",
            "How far each detector is behind.",
            (Query(f"timonel_detector_lag_seconds{{{_M}}}", "{{detector}}"),),
            unit="s",
        ),
        Panel(
            "Last heard of",
            "How long ago, each detector and the monitor's own last round of judging.",
            (
                Query(
                    f"time() - timonel_detector_last_seen_timestamp_seconds{{{_M}}}",
                    "{{detector}}",
                ),
                Query(
                    "time() - timonel_monitor_heartbeat_timestamp_seconds", "monitor {{instance}}"
                ),
            ),
            unit="s",
        ),
        Panel(
            "A round of judging",
            "How long the last one took.",
            (Query("timonel_monitor_round_seconds", "{{instance}}"),),
            unit="s",
        ),
        Panel(
            "Refused by the monitor",
            "A second, by reason.",
            (
                Query(
                    f"sum by (reason) (rate(timonel_monitor_rejected_total{{{_M}}}[{_RATE}]))",
                    "{{reason}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Spool of the detectors",
            "Bytes that wait to be folded: growing means that the fold or the monitor cannot keep up.",
            (Query("timonel_detector_spool_unread_bytes", "{{instance}}"),),
            unit="bytes",
        ),
        Panel(
            "Events lost by the detectors",
            "A second, because the spool was full before they were read.",
            (
                Query(
                    f'rate(timonel_detector_spool_dropped_events_total{{state="unread"}}[{_RATE}])',
                    "{{instance}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Events refused by the detectors",
            "A second, by reason.",
            (
                Query(
                    f"sum by (outcome) (rate(timonel_detector_refused_events_total[{_RATE}]))",
                    "{{outcome}}",
                ),
            ),
            unit="reqps",
        ),
    ),
)
SECTIONS = (VERDICT, PERFORMANCE, DRIFT, SERVICE, QUALITY, VERSIONS, LABELS, DETECTORS)
