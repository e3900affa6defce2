"""Releases by Argo Workflows, with the templates that people apply."""

import json
from collections.abc import Iterator

import pytest

from argo_objects import applied, ended, nodes, submitted
from clusters import Cluster, Model, run, until
from releases import NAME, Released, loaded, store_secret, values

pytestmark = pytest.mark.timeout(600)  # a workflow's steps are a pod each
SPACE = "timonel-argo"


@pytest.fixture(scope="module")
def released(
    cluster: Cluster, model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Released]:
    """Version 1, and the templates for its release."""
    folder = tmp_path_factory.mktemp("overlay")
    with cluster.namespace(SPACE) as space, cluster.volume(space, f"{NAME}-monitor"):
        space.apply(store_secret(cluster))
        space.install(NAME, values(cluster, model))
        found = Released(cluster, space, model)
        with applied(space, NAME, folder):
            until(lambda: found.predict(model.built.rows(1)).status_code == 200, 120, "an answer")
            yield found


def submit(released: Released, name: str, version: int, **more: str) -> None:
    """A workflow that releases a version, with a look every six seconds."""
    source = released.model.source(version)
    given = {"version": source["version"], "storage-uri": source["storageUri"]}
    given |= {"digest": source["digest"], "interval": "6s", "settle": "3", **more}
    parameters = [{"name": key, "value": value} for key, value in given.items()]
    spec = {
        "workflowTemplateRef": {"name": f"{NAME}-timonel-rollout"},
        "arguments": {"parameters": parameters},
    }
    submitted(released.space, name, spec)


def step(released: Released, name: str, display: str, phase: str) -> str | None:
    """The id of a step in a phase."""
    for node in nodes(released.space, name):
        if node["displayName"].startswith(display) and node.get("phase") == phase:
            return str(node["id"])
    return None


def test_an_approved_version_takes_over_though_the_controller_was_restarted(
    released: Released,
) -> None:
    """Judged good it waits for a person; the controller's pod is deleted on the way; no request fails."""
    with loaded(released) as load:
        submit(released, "good", 2, approval="true")
        until(lambda: step(released, "good", "open", "Succeeded"), 180, "the judge")
        run("kubectl", "delete", "pod", "-A", "-l", "app=workflow-controller", "--wait=false")
        waiting = until(lambda: step(released, "good", "approve", "Running"), 240, "the question")
        assert released.space.names("isvc") >= {
            f"inferenceservice.serving.kserve.io/{NAME}-{side}" for side in ("stable", "canary")
        }
        yes = {"status": {"nodes": {waiting: {"phase": "Succeeded"}}}}
        released.space.kubectl(
            "patch", "workflow", "good", "--type", "merge", "-p", json.dumps(yes)
        )
        assert ended(released.space, "good") == "Succeeded"
    assert released.serving() == "2"
    assert len(released.space.names("isvc")) == 1
    assert set(load.answers) == {200}, load.answers


def test_a_stopped_release_leaves_the_champion(released: Released) -> None:
    """`argo stop` in the middle: the canary goes, the champion serves alone."""
    with loaded(released):
        submit(released, "stopped", 1)
        until(lambda: step(released, "stopped", "weigh", "Succeeded"), 240, "a canary with traffic")
        stop = json.dumps({"spec": {"shutdown": "Stop"}})
        released.space.kubectl("patch", "workflow", "stopped", "--type", "merge", "-p", stop)
        assert ended(released.space, "stopped") == "Failed"
    assert released.serving() == "2"
    assert len(released.space.names("isvc")) == 1


def test_the_account_of_releases_has_no_rights_elsewhere(released: Released) -> None:
    """It may change its own namespace, and nothing of another one."""
    account = f"--as=system:serviceaccount:{SPACE}:{NAME}-rollout"

    def may(verb: str, what: str, space: str) -> bool:
        words = ("auth", "can-i", verb, what, "--namespace", space, account)
        return run("kubectl", *words, check=False).startswith("yes")

    assert may("patch", "inferenceservices.serving.kserve.io", SPACE)
    assert not may("delete", "persistentvolumeclaims", SPACE)
    for what in ("secrets", "inferenceservices.serving.kserve.io", "configmaps"):
        assert not may("get", what, "default")
        assert not may("create", what, "kserve")
