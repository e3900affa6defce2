"""What pods may do, and who reaches them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from charts import CHART, Chart, Object, Rendered
from timonel.config import parse_config

OURS = ("smallest", "canary", "knative", "shadow")


def _pods(rendered: Rendered) -> Iterator[Object]:
    for one in rendered.objects:
        if one["kind"] == "InferenceService":
            yield one["spec"]["predictor"]
        elif one["kind"] == "Deployment":
            yield one["spec"]["template"]["spec"]
        elif one["kind"] == "Pod":
            yield one["spec"]


@pytest.mark.parametrize("name", OURS)
def test_every_container_keeps_to_the_restricted_profile(chart: Chart, name: str) -> None:
    """No root, no capability, no writable root filesystem, no token of the cluster, bounded memory."""
    for pod in _pods(chart.rendered(name)):
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["runAsNonRoot"]
            assert context["readOnlyRootFilesystem"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", OURS)
def test_no_object_gives_rights(chart: Chart, name: str) -> None:
    """No pod asks the cluster anything: there are no roles, and no account has a token."""
    rendered = chart.rendered(name)
    assert not [one for one in rendered.objects if "Role" in one["kind"]]
    for account in rendered.all("ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", [*OURS, "sklearn"])
def test_kserve_takes_no_object_of_ours_for_its_own(chart: Chart, name: str) -> None:
    """It deletes Services and Deployments that bear both of its labels."""
    for one in chart.rendered(name).objects:
        labels = one["metadata"]["labels"]
        assert "serving.kserve.io/inferenceservice" not in labels
        assert "component" not in labels
        assert labels["app.kubernetes.io/instance"] == "fraud"
        assert labels["timonel.dev/model"]


def test_only_the_ledgers_volume_outlives_the_release(chart: Chart) -> None:
    """`helm uninstall` keeps nothing else."""
    kept = {
        f"{one['kind']}/{one['metadata']['name']}"
        for one in chart.rendered("canary").objects
        if "helm.sh/resource-policy" in one["metadata"].get("annotations", {})
    }
    assert kept == {"PersistentVolumeClaim/fraud-monitor"}


def test_pods_leave_after_the_gateway_knows(chart: Chart) -> None:
    """The predictor sleeps before SIGTERM, the detector a little longer, and both may end in peace."""
    spec = chart.rendered("canary").one("InferenceService", "fraud-stable")["spec"]["predictor"]
    sleeps = [c["lifecycle"]["preStop"]["sleep"]["seconds"] for c in spec["containers"]]
    assert sleeps == [6, 10]
    assert spec["terminationGracePeriodSeconds"] >= 6 + 20


@pytest.mark.parametrize("name", [*OURS, "sklearn"])
def test_the_settings_are_a_timonel_yaml(chart: Chart, name: str) -> None:
    """Every command takes them; ledger and folder are the chart's."""
    settings = chart.rendered(name).one("ConfigMap", "fraud-settings")["data"]["timonel.yaml"]
    config = parse_config(settings)
    assert str(config.home) == "/var/lib/timonel"
    assert config.model.name == ("iris" if name == "sklearn" else "fraud")
    shared = name in ("canary", "knative", "shadow")
    assert config.monitoring.detector.ledger is shared


def test_alerts_of_default_settings_are_the_models(chart: Chart) -> None:
    """The name stands where the chart's file has another."""
    rule = chart.rendered("canary").one("PrometheusRule", "fraud")
    text = yaml.safe_dump(rule)
    assert 'model="fraud"' in text
    assert "name-of-the-model" not in text
    assert rule["metadata"]["labels"]["release"] == "prometheus"


def test_alerts_of_ones_own_are_taken_whole(chart: Chart, tmp_path: Path) -> None:
    """What `timonel alerts render` wrote goes in as a file."""
    file = tmp_path / "rules.yaml"
    file.write_text("groups:\n- name: mine\n  rules: []\n")
    done = chart.template("canary", "--set-file", f"metrics.prometheusRule.rules={file}")
    assert Rendered(done.stdout).one("PrometheusRule", "fraud")["spec"] == {
        "groups": [{"name": "mine", "rules": []}]
    }


def test_the_dashboard_reaches_grafana_as_it_is(chart: Chart) -> None:
    """Grafana's own braces are no template's."""
    rendered = chart.rendered("canary", "metrics.dashboard.enabled=true")
    found = rendered.one("ConfigMap", "fraud-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    committed = (CHART / "files" / "timonel.dashboard.json").read_text()
    assert found["data"]["timonel.dashboard.json"] == committed


def test_one_pod_of_a_predictor_may_be_away_at_a_time(chart: Chart) -> None:
    """A single pod has no budget: it would stop a node from being drained."""
    assert chart.rendered("smallest").all("PodDisruptionBudget") == {}
    budgets = chart.rendered("smallest", "stable.replicas=3").all("PodDisruptionBudget")
    assert budgets["fraud-stable"]["spec"]["maxUnavailable"] == 1


def test_keda_scales_what_kserve_leaves_alone(chart: Chart) -> None:
    """KServe makes no autoscaler of its own beside a ScaledObject."""
    rendered = chart.rendered("shadow")
    service = rendered.one("InferenceService", "fraud-stable")
    assert service["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "external"
    target = rendered.one("ScaledObject", "fraud-stable")["spec"]["scaleTargetRef"]
    assert target["name"] == "fraud-stable-predictor"
