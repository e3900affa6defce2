"""What a change of the values touches: the order in which a version is released depends on it."""

import json

import pytest

from charts import Chart, Rendered

VERSION_7 = ("stable.version=7", "stable.storageUri=s3://models/fraud/7")


def _touched(before: Rendered, after: Rendered) -> set[str]:
    one, two = (
        {(o["kind"], o["metadata"]["name"]): o for o in side.objects} for side in (before, after)
    )
    return {f"{k}/{n}" for k, n in one.keys() | two.keys() if one.get((k, n)) != two.get((k, n))}


def _weights(rendered: Rendered) -> dict[str, int]:
    rule = rendered.one("HTTPRoute", "fraud")["spec"]["rules"][0]
    return {one["name"]: one["weight"] for one in rule["backendRefs"]}


def test_a_weight_touches_the_route_and_its_record_alone(chart: Chart) -> None:
    """No pod restarts because traffic moves."""
    before, after = chart.rendered("canary"), chart.rendered("canary", "rollout.weight=50")
    assert _touched(before, after) == {"HTTPRoute/fraud", "ConfigMap/fraud-serving"}
    assert _weights(after) == {"fraud-stable-predictor": 50, "fraud-canary-predictor": 50}


def test_a_canary_comes_and_goes_without_touching_the_stable_version(chart: Chart) -> None:
    """Only its own InferenceService is new."""
    before = chart.rendered("smallest")
    after = chart.rendered("smallest", "canary.enabled=true", "canary.version=7")
    assert _touched(before, after) == {
        "HTTPRoute/fraud",
        "ConfigMap/fraud-serving",
        "InferenceService/fraud-canary",
    }
    assert _weights(after) == {"fraud-stable-predictor": 100, "fraud-canary-predictor": 0}


def test_a_promotion_leaves_the_canary_alone_while_the_stable_version_is_replaced(
    chart: Chart,
) -> None:
    """All traffic is on it then."""
    settings = ("canary.storageUri=s3://models/fraud/7", "rollout.weight=100")
    before = chart.rendered("smallest", "canary.enabled=true", "canary.version=7", *settings)
    after = chart.rendered(
        "smallest", "canary.enabled=true", "canary.version=7", *settings, *VERSION_7
    )
    assert _touched(before, after) == {"InferenceService/fraud-stable", "ConfigMap/fraud-serving"}


def test_the_record_names_versions_weight_and_packages(chart: Chart) -> None:
    """The monitor writes it into its decisions, so that a rollback is on the record."""
    data = chart.rendered("canary").one("ConfigMap", "fraud-serving")["data"]["serving.json"]
    said = json.loads(data)
    assert (said["stable"], said["canary"], said["weight"]) == ("6", "7", 10)
    assert said["package"]["canary"]["uri"] == "s3://models/fraud/7"
    assert len(said["package"]["canary"]["digest"]) == 64
    alone = json.loads(
        chart.rendered("smallest").one("ConfigMap", "fraud-serving")["data"]["serving.json"]
    )
    assert alone["canary"] is None
    assert alone["package"]["canary"] is None


@pytest.mark.parametrize("mode", ["shadow", "blueGreen"])
def test_copies_are_sent_while_the_weight_is_0(chart: Chart, mode: str) -> None:
    """Nothing of the answers comes from the canary then."""
    rendered = chart.rendered("shadow", f"rollout.mode={mode}")
    rule = rendered.one("HTTPRoute", "fraud")["spec"]["rules"][0]
    mirror = rule["filters"][0]["requestMirror"]["backendRef"]
    assert mirror["name"] == "fraud-canary-predictor"
    assert _weights(rendered) == {"fraud-stable-predictor": 100, "fraud-canary-predictor": 0}


def test_blue_green_goes_over_at_once_without_copies(chart: Chart) -> None:
    """At 100 the canary has the requests themselves."""
    after = chart.rendered("shadow", "rollout.mode=blueGreen", "rollout.weight=100")
    assert "filters" not in after.one("HTTPRoute", "fraud")["spec"]["rules"][0]
    assert _weights(after)["fraud-canary-predictor"] == 100


def test_knative_takes_each_step_of_the_safe_order(chart: Chart) -> None:
    """A rollback keeps 0 percent over the old spec until it is ready; a promotion makes no new revision."""
    off = ("canary.enabled=false", "rollout.weight=0")

    def predictor(*settings: str) -> dict[str, object]:
        found: dict[str, object] = chart.rendered("knative", *settings).one(
            "InferenceService", "fraud"
        )["spec"]["predictor"]
        return found

    canary, stable = predictor(), predictor(*off)
    assert canary["canaryTrafficPercent"] == 25
    assert "canaryTrafficPercent" not in stable
    held = predictor(*off, "rollout.hold=true")
    assert held.pop("canaryTrafficPercent") == 0
    assert held == stable
    promoted = predictor(*off, *VERSION_7)
    canary.pop("canaryTrafficPercent")
    assert promoted == canary


def test_knative_gets_nothing_that_it_refuses(chart: Chart) -> None:
    """Its webhook tells of them late, in a condition's message."""
    spec = chart.rendered("knative").one("InferenceService", "fraud")["spec"]["predictor"]
    assert not {"securityContext", "topologySpreadConstraints", "nodeSelector"} & set(spec)
    for container in spec["containers"]:
        assert "lifecycle" not in container
        assert "fieldRef" not in json.dumps(container)
    detector = spec["containers"][1]
    assert not {"ports", "readinessProbe", "startupProbe", "livenessProbe"} & set(detector)
    assert all("persistentVolumeClaim" not in one for one in spec["volumes"])


def test_the_same_version_in_another_release_shares_no_object(chart: Chart) -> None:
    """Two models in one namespace have no name and no selector in common."""
    fraud = chart.rendered("smallest")
    spam = Rendered(fraud.text.replace("fraud", "spam"))
    names = [{(o["kind"], o["metadata"]["name"]) for o in one.objects} for one in (fraud, spam)]
    assert not names[0] & names[1]
