"""What the checks find in the answers of a cluster that is well, and in those of one that is not."""

from datetime import timedelta
from typing import Any

import pytest

from timonel_pipelines.cluster.answers import Answer, Facts
from timonel_pipelines.cluster.checks.space import amount
from timonel_pipelines.cluster.doctor import FAILED_EXIT, examine, exit_code
from timonel_pipelines.cluster.finding import Status

GONE = Answer(404, message="not found")
DENIED = Answer(403, message="forbidden: you may not")


def listed(*items: dict[str, Any]) -> Answer:
    return Answer(200, {"items": list(items)})


def pod(**container: Any) -> Answer:
    told = {"name": "main", "image": "some:1", "ready": False, "restartCount": 3, "state": {}}
    named = {"name": "p-1", "namespace": "models"}
    return listed({"metadata": named, "status": {"containerStatuses": [told | container]}})


def ended(message: str) -> Answer:
    return pod(lastState={"terminated": {"exitCode": 1, "message": message}})


def deployment(image: str, replicas: int = 1, ready: int = 1) -> Answer:
    containers = {"template": {"spec": {"containers": [{"image": image}]}}}
    named = {"name": "kserve-controller-manager", "namespace": "kserve"}
    spec = {"replicas": replicas} | containers
    return listed({"metadata": named, "spec": spec, "status": {"readyReplicas": ready}})


def claim(phase: str) -> Answer:
    named = {"name": "c", "namespace": "models"}
    return listed({"metadata": named, "status": {"phase": phase}})


def quota(used: str, hard: str) -> Answer:
    named = {"name": "q", "namespace": "models"}
    spec = {"hard": {"requests.cpu": hard}}
    return listed({"metadata": named, "spec": spec, "status": {"used": {"requests.cpu": used}}})


def test_a_cluster_that_is_well_fails_nothing(facts: Any) -> None:
    """Every check has something to say, and nothing of it is a failure."""
    found = examine(facts())
    assert [one for one in found if one.status is Status.FAILURE] == []
    assert exit_code(found) == 0
    assert len({one.check for one in found}) >= 18


FAULTS = [
    ("Kubernetes", {"version": Answer(200, {"gitVersion": "v1.31.2"})}, "v1.31.2"),
    ("KServe API", {"group__kserve": GONE}, "no InferenceService"),
    ("KServe controller", {"controller": listed()}, "no Deployment"),
    ("KServe controller", {"controller": deployment("k:v0.20.0", 0, 0)}, "scaled to 0"),
    ("KServe controller", {"controller": deployment("k:v0.20.0", 2, 0)}, "0 of 2"),
    ("KServe version", {"controller": deployment("k:v0.15.2")}, "0.15.2"),
    ("KServe webhook", {"webhook": Answer(500, message="failed calling webhook x")}, "calling"),
    ("KServe webhook", {"webhook": Answer(400, message="denied the request")}, "refuses"),
    ("deployment mode", {"settings": Answer(200, {"data": {"deploy": "{"}})}, "damaged"),
    ("Gateway API", {"group__gateway": GONE}, "no HTTPRoute"),
    ("Gateway", {"gateway": GONE}, "there is no kserve/kserve-ingress-gateway"),
    ("namespace", {"namespace": GONE}, "there is no models"),
    ("rights", {"right:secrets": Answer(201, {"status": {"allowed": False}})}, "create secrets"),
    ("quotas", {"quotas": quota("1500m", "1.5")}, "q: requests.cpu 1500m of 1.5"),
    ("storage", {"claims": claim("Pending")}, "claim c is Pending"),
    ("images", {"pods": pod(state={"waiting": {"reason": "ImagePullBackOff"}})}, "some:1 cannot"),
    ("packages", {"pods": ended("error: the package's digest is ab, expected cd")}, "expected cd"),
    ("volumes", {"pods": ended("OSError: [Errno 28] No space left on device")}, "No space"),
    ("pods", {"pods": ended("╭───╮\n│ boom │\n╰───╯")}, "boom"),
    (
        "pods",
        {"pods": pod(state={"waiting": {"reason": "CreateContainerConfigError", "message": "s"}})},
        "main: s",
    ),
]


@pytest.mark.parametrize(("check", "replaced", "said"), FAULTS)
def test_each_fault_is_a_failure_with_a_fix(
    facts: Any, check: str, replaced: dict[str, Answer], said: str
) -> None:
    """The check that it belongs to fails, says what it found, what it expected and what to do."""
    found = examine(facts(**replaced))
    mine = [one for one in found if one.check == check and one.status is Status.FAILURE]
    assert said in mine[0].found
    assert mine[0].expected
    assert mine[0].fix
    assert exit_code(found) == FAILED_EXIT


@pytest.mark.parametrize("status", [0, 403, 500])
def test_what_may_not_be_seen_is_no_failure(facts: Any, status: int) -> None:
    """Whoever may read nothing gets warnings; only a webhook that does not answer fails."""
    well = facts()
    denied = Answer(status, message="not allowed")
    found = examine(Facts("models", well.now, dict.fromkeys(well.answers, denied)))
    failed = {one.check for one in found if one.status is Status.FAILURE}
    assert failed == ({"KServe webhook"} if status == 500 else set())
    assert len(found) >= 12


def test_a_newer_kserve_and_absent_extras_are_warnings(facts: Any) -> None:
    """A release works without them, or was not tried with them."""
    found = examine(
        facts(
            controller=deployment("kserve/kserve-controller:v0.21.0@sha256:00"),
            runtime=GONE,
            group__argo=GONE,
            group__keda=GONE,
            group__prometheus=GONE,
        )
    )
    warned = {one.check for one in found if one.status is Status.WARNING}
    assert warned >= {
        *("KServe version", "ClusterServingRuntime", "Argo Workflows", "KEDA"),
        "Prometheus operator",
    }
    assert exit_code(found) == 0


def test_a_clock_that_is_wrong_is_told_with_its_side(facts: Any) -> None:
    """Beyond half a minute; the server that is an hour behind is called so."""
    well = facts()
    late = Facts("models", well.now + timedelta(hours=1), well.answers)
    (found,) = [one for one in examine(late) if one.check == "clock"]
    assert found.status is Status.FAILURE
    assert "behind" in found.found


@pytest.mark.parametrize(
    ("text", "value"), [("500m", 0.5), ("2", 2), ("1Gi", 2**30), ("1k", 1000), ("what", 0)]
)
def test_quantities_are_numbers(text: str, value: float) -> None:
    """As Kubernetes writes them."""
    assert float(amount(text)) == value
