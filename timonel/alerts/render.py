"""Groups of rules as YAML: a rule file of Prometheus, or an object of the Prometheus operator."""

from collections.abc import Iterable
from typing import Any

import yaml

from timonel.alerts.rule import Alert, Group, Record, span
from timonel.config import Config
from timonel.terms import AlertFormat

HEADER = (
    "# Written by `timonel alerts render` from the settings of {model}: change those, not this.\n"
)


def render(config: Config, groups: Iterable[Group], form: AlertFormat = AlertFormat.RULES) -> str:
    """The groups as a YAML document."""
    spec = {"groups": [_group(config, group) for group in groups if group.rules]}
    document = spec if form is AlertFormat.RULES else _object(config, spec)
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return HEADER.format(model=config.model.name) + text


def _object(config: Config, spec: dict[str, Any]) -> dict[str, Any]:
    name = config.model.name
    labels = {"app.kubernetes.io/name": "timonel", "app.kubernetes.io/instance": name}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"timonel-{name}", "labels": labels},
        "spec": spec,
    }


def _group(config: Config, group: Group) -> dict[str, Any]:
    return {"name": group.name, "rules": [_rule(config, rule) for rule in group.rules]}


def _rule(config: Config, rule: Record | Alert) -> dict[str, Any]:
    if isinstance(rule, Record):
        return {"record": rule.name, "expr": rule.expr}
    held = {"for": span(rule.held)} if rule.held else {}
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **held,
        "labels": {"severity": rule.urgency.value, **rule.labels},
        "annotations": _annotations(config, rule),
    }


def _annotations(config: Config, alert: Alert) -> dict[str, str]:
    alerts = config.monitoring.alerts
    return {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": alerts.runbook_url.replace("{page}", alert.page),
        "dashboard_url": alerts.dashboard_url.replace("{model}", config.model.name),
    }


class _Dumper(yaml.SafeDumper):
    """Writes expressions of several lines as blocks, so that a person can read them."""


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
