"""The time series of the newest rollout of each model: one a model, so that their number is bounded."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from timonel.canary import Verdict
from timonel_serving.monitor.models.watched import Watched
from timonel_serving.monitor.rollouts.state import Hosted

_OF = ["model", "rollout"]
_KINDS = (("harm", "e_harm", "harm_bar"), ("safety", "e_safe", "safe_bar"))


def rollout_series(models: Iterable[Watched]) -> Iterator[Metric]:
    """The verdict, how far the judge is, and the evidence of each metric beside what suffices."""
    newest = [kept[0] for one in models if (kept := one.rollouts.all)]
    verdicts = GaugeMetricFamily(
        "timonel_rollout_verdict",
        "1 for the verdict on the newest rollout that is judged here",
        labels=[*_OF, "verdict"],
    )
    for one in newest:
        for verdict in Verdict:
            verdicts.add_metric([one.model, one.id, verdict.value], float(verdict is one.verdict))
    yield verdicts
    yield from _progress(newest)
    yield from _evidence(newest)


def _progress(newest: Iterable[Hosted]) -> Iterator[Metric]:
    for name, what, key in (
        ("blocks", "Blocks that were judged", "blocks"),
        ("canary_requests", "Requests of the canary that are evidence", "canary_requests"),
        ("weight", "Traffic that the canary should have, in percent", "weight"),
    ):
        family = GaugeMetricFamily(f"timonel_rollout_{name}", what, labels=_OF)
        for one in newest:
            if one.decision is not None:
                family.add_metric([one.model, one.id], one.decision[key])
        yield family


def _evidence(newest: Iterable[Hosted]) -> Iterator[Metric]:
    labels = [*_OF, "metric", "kind"]
    values = GaugeMetricFamily(
        "timonel_rollout_evidence", "E-value: evidence of harm, and of safety", labels=labels
    )
    bars = GaugeMetricFamily(
        "timonel_rollout_evidence_bar", "The e-value from which it suffices", labels=labels
    )
    for one in newest:
        for name, found in (one.decision or {"metrics": {}})["metrics"].items():
            for kind, value, bar in _KINDS:
                for family, key in ((values, value), (bars, bar)):
                    if found[key] is not None:
                        family.add_metric([one.model, one.id, name, kind], found[key])
    yield from (values, bars)
