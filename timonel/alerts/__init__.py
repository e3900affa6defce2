"""Prometheus rules and a Grafana dashboard for one model, from its timonel.yaml."""

from timonel.alerts.burning import burning, indicators
from timonel.alerts.quality import abnormal, drifting, performing
from timonel.alerts.render import render
from timonel.alerts.rule import Alert, Group, Record, Urgency
from timonel.alerts.watching import detecting, labelling, living
from timonel.config import Config

__all__ = ["Alert", "Group", "Record", "Urgency", "all_groups", "render"]


def all_groups(config: Config) -> tuple[Group, ...]:
    """Every group of rules of a model, in the order of its page: performance, drift, service, ..."""
    *service, violations = (burning(config, indicator) for indicator in indicators(config))
    return (
        performing(config),
        drifting(config),
        *service,
        violations,
        abnormal(config),
        labelling(config),
        detecting(config),
        living(config),
    )
