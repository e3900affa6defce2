"""`timonel cluster doctor` and `timonel status` on a real cluster, with faults that are made there."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from clusters import Cluster, Namespace, run, until
from timonel.cli.main import build

SPACE = "doctor-test"
WRONG = "0" * 64
CONTROLLER = "control-plane=kserve-controller-manager"
PLACE = "jsonpath={.items[*].metadata.namespace}/{.items[*].metadata.name}"
CONFINED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def doctor(*flags: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the worst finding of each check."""
    done = CliRunner().invoke(build(), ["cluster", "doctor", "-n", SPACE, "--json", *flags])
    assert done.exit_code in (0, 10), done.output
    found: dict[str, dict[str, Any]] = {}
    for one in json.loads(done.stdout)["findings"]:
        if found.get(one["check"], {}).get("status") != "failure":
            found[one["check"]] = one
    return done.exit_code, found


def failing(check: str) -> dict[str, Any] | None:
    """The check's finding once it fails."""
    finding = doctor()[1].get(check, {})
    return finding if finding.get("status") == "failure" else None


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace of its own."""
    with cluster.namespace(SPACE) as found:
        yield found


def pod(name: str, container: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pod that restricted Pod Security lets in."""
    secure = {"runAsNonRoot": True, "runAsUser": 10001}
    spec = {
        "securityContext": secure | {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "main", "securityContext": CONFINED} | container],
    }
    meta = {"name": name}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec | more}


def test_an_empty_namespace_lacks_nothing(space: Namespace) -> None:
    """Where nothing is wrong nothing fails, and the webhook's dry run leaves nothing behind."""
    code, found = doctor()
    assert code == 0, found
    assert found["KServe webhook"]["status"] == found["Gateway"]["status"] == "ok"
    assert not space.names("isvc")


def test_a_gateway_and_a_namespace_that_are_not_there(space: Namespace) -> None:
    """Both by name, with what to do."""
    code, found = doctor("--gateway", "kserve/no-such")
    assert (code, found["Gateway"]["status"]) == (10, "failure")
    assert "gateway.name" in found["Gateway"]["fix"]
    code, found = doctor("-n", "no-such-space")
    assert (code, found["namespace"]["fix"]) == (10, "kubectl create namespace no-such-space")


def test_an_image_that_cannot_be_pulled(space: Namespace) -> None:
    """It is named, with the container."""
    space.apply(pod("unpulled", {"image": "timonel/predictor:no-such"}))
    found = until(lambda: failing("images"), 60, "the image is reported")
    assert "timonel/predictor:no-such cannot be pulled" in found["found"]
    space.kubectl("delete", "pod", "unpulled", "--now")


def test_a_package_of_another_digest(cluster: Cluster, space: Namespace) -> None:
    """The predictor's own refusal is told in its words."""
    given = {"name": "tampered"}
    data = {"package.json": "{}"}
    space.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": given, "data": data})
    container = {
        "image": f"timonel/predictor:{cluster.tag}",
        "args": ["--package", "/mnt/package", "--digest", WRONG],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "package", "mountPath": "/mnt/package"}],
    }
    volumes = [{"name": "package", "configMap": given}]
    space.apply(pod("tampered", container, volumes=volumes))
    found = until(lambda: failing("packages"), 90, "the refusal is reported")
    assert f"expected {WRONG[:12]}" in found["found"]
    space.kubectl("delete", "pod", "tampered", "--now")


def test_a_runtime_and_a_route_that_lead_nowhere(space: Namespace) -> None:
    """The runtime is named, and so is the Gateway that a route waits for."""
    model = {"modelFormat": {"name": "timonel"}, "runtime": "no-such", "storageUri": "s3://x/y"}
    space.apply(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "lost"},
            "spec": {"predictor": {"model": model}},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "lost"},
            "spec": {"parentRefs": [{"name": "no-such", "namespace": "kserve"}]},
        },
    )
    found = until(lambda: failing("InferenceServices"), 60, "the service is reported")
    until(
        lambda: "no enabled runtime no-such" in doctor()[1]["InferenceServices"]["found"], 60, "why"
    )
    found = doctor()[1]["routes"]
    assert (found["status"], "kserve/no-such" in found["found"]) == ("failure", True)
    space.kubectl("delete", "isvc,httproute", "lost")


def test_a_quota_that_is_used_up(space: Namespace) -> None:
    """It is told before anything is created, and again by what could not be."""
    space.kubectl("create", "quota", "none", "--hard=pods=0")
    found = until(lambda: failing("quotas"), 30, "the quota is reported")
    assert "none: pods 0 of 0 used" in found["found"]
    space.kubectl("create", "deployment", "refused", "--image=timonel/predictor:any")
    found = until(lambda: failing("events"), 60, "what was not created is reported")
    assert "exceeded quota" in found["found"] or "violates PodSecurity" in found["found"]
    space.kubectl("delete", "deployment/refused", "quota/none")


def test_somebody_without_rights(space: Namespace, tmp_path: Any, monkeypatch: Any) -> None:
    """An account that may do nothing is told so, and what it may not see is not called a failure."""
    space.kubectl("create", "serviceaccount", "nobody")
    token = space.kubectl("create", "token", "nobody").strip()
    settings = json.loads(space.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    settings["users"][0]["user"] = {"token": token}
    (tmp_path / "config").write_text(json.dumps(settings))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    code, found = doctor()
    assert (code, found["rights"]["status"]) == (10, "failure")
    assert "inferenceservices.serving.kserve.io" in found["rights"]["found"]
    failed = {name for name, one in found.items() if one["status"] == "failure"}
    assert failed == {"rights"}
    done = CliRunner().invoke(build(), ["status", "-n", SPACE])
    assert "may not list" in str(done.exception)


@pytest.mark.alone
def test_a_webhook_that_nobody_answers(space: Namespace) -> None:
    """Without KServe's controller it is named, with what to look at; with it nothing fails again."""
    (controller,) = run("kubectl", "get", "deploy", "-A", "-l", CONTROLLER, "-o", PLACE).split()
    at, name = controller.split("/")
    scale = ("kubectl", "--namespace", at, "scale", f"deploy/{name}")
    run(*scale, "--replicas=0")
    try:
        found = until(lambda: failing("KServe webhook"), 60, "the webhook is reported")
        assert found["fix"]
    finally:
        run(*scale, "--replicas=1")
    run("kubectl", "--namespace", at, "rollout", "status", f"deploy/{name}", "--timeout=120s")
    until(lambda: failing("KServe webhook") is None, 60, "the webhook answers")


def test_status_of_a_namespace_without_a_release(space: Namespace) -> None:
    """It says so, also as JSON."""
    done = CliRunner().invoke(build(), ["status", "-n", SPACE])
    assert (done.exit_code, done.stdout) == (0, f"no release in namespace {SPACE}\n")
    done = CliRunner().invoke(build(), ["status", "-n", SPACE, "--json"])
    assert json.loads(done.stdout) == {"releases": []}
