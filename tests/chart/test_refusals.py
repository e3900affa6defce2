"""Values that contradict themselves end with a sentence that says what to do."""

import pytest

from charts import Chart

REFUSED = [
    ("smallest", ("stable.version=",), "stable.version is empty"),
    ("smallest", ("stable.storageUri=",), "say where the package"),
    ("smallest", ("settings.data=null",), "settings.data.target is missing"),
    ("smallest", ("settings.storage.ledger=s3://x/y",), "use monitor.ledger"),
    ("smallest", ("settings.monitoring.detector.name=pod",), "two detectors of one name"),
    ("smallest", ("canary.enabled=true",), "canary.enabled without canary.version"),
    ("smallest", ("rollout.weight=5",), "rollout.weight is 5 without a canary"),
    ("canary", ("canary.version=6",), "both 6: nothing can be compared"),
    ("shadow", ("rollout.weight=5",), "a shadow gets copies only"),
    ("shadow", ("rollout.mode=blueGreen", "rollout.weight=5"), "all at once, 0 or 100"),
    ("knative", ("rollout.mode=shadow", "rollout.weight=0"), "copies requests"),
    ("canary", ("rollout.hold=true",), "rollout.hold is for rollout.strategy knative"),
    ("knative", ("storage.claim=packages",), "Knative refuses volumes of claims"),
    ("knative", ("predictor.topologyKeys={zone}",), "Knative refuses them"),
    ("knative", ("autoscaling.kind=keda",), "Knative scales by itself"),
    ("smallest", ("rollout.strategy=kserve",), "needs KServe 0.21 or later"),
    ("smallest", ("rollout.strategy=kserve", "kserve.version=0.20.3"), "needs KServe 0.21"),
    ("smallest", ("rollout.strategy=kserve", "kserve.version=v0.21.0"), "runtime.kind kserve"),
    ("sklearn", ("runtime.modelFormat=",), "without runtime.modelFormat"),
    ("sklearn", (f"stable.digest={'0' * 64}",), "verifies nothing"),
    ("smallest", ("autoscaling.kind=keda",), "without autoscaling.triggers"),
    ("smallest", ("monitor.ledger.type=s3",), "give s3://bucket/prefix"),
    ("smallest", ("monitor.ledger.uri=s3://a/b",), "set the type to s3"),
    ("smallest", ("monitor.storage.type=emptyDir",), "would go with the pod"),
    (
        "canary",
        ("settings.monitoring.alerts.page_for=1m",),
        "timonel alerts render",
    ),
    # by the schema
    ("smallest", ("replicas=2",), "'replicas' not allowed"),
    ("smallest", ("monitor.ledgr.type=s3",), "'ledgr' not allowed"),
    ("smallest", ("rollout.weight=101",), "/rollout/weight"),
    ("smallest", ("stable.digest=abc",), "/stable/digest"),
    ("smallest", ("stable.storageUri=http://x/y",), "/stable/storageUri"),
]


@pytest.mark.parametrize(("values", "settings", "said"), REFUSED)
def test_a_contradiction_is_refused(
    chart: Chart, values: str, settings: tuple[str, ...], said: str
) -> None:
    """Before anything reaches the cluster, in words."""
    assert said in chart.refusal(values, *settings)


MISSING = [
    ("smallest", "v1/Pod", "the cluster has no InferenceService"),
    ("smallest", "v1/Pod,serving.kserve.io/v1beta1/InferenceService", "has no HTTPRoute"),
    ("knative", "v1/Pod,serving.kserve.io/v1beta1/InferenceService", "no Knative Service"),
]


@pytest.mark.parametrize(("values", "versions", "said"), MISSING)
def test_what_the_cluster_lacks_is_named(
    chart: Chart, values: str, versions: str, said: str
) -> None:
    """With what to install; without a cluster nothing is asked."""
    done = chart.template(values, "--api-versions", versions)
    assert done.returncode != 0
    assert said in done.stderr


def test_spec_canary_is_rendered_for_a_kserve_that_has_it(chart: Chart) -> None:
    """From 0.21 on, with any serving runtime."""
    settings = ("rollout.strategy=kserve", "kserve.version=0.21.0", "rollout.weight=20")
    canary = ("canary.enabled=true", "canary.version=4", "canary.storageUri=gs://models/4")
    spec = chart.rendered("sklearn", *settings, *canary).one("InferenceService", "fraud")["spec"]
    assert spec["canary"][0]["trafficPercent"] == 20
    assert spec["canary"][0]["predictor"]["model"]["storageUri"] == "gs://models/4"
    assert spec["predictor"]["model"]["storageUri"].endswith("sklearn/1.0/model")
