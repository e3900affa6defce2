"""Faults in the middle of a release: in the end one version serves, and the record says which."""

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from clusters import Cluster, Model, run, until
from releases import NAME, Released, loaded, store_secret, values

pytestmark = pytest.mark.timeout(500)  # a release under a fault takes its time
SPACE = "timonel-faults"
REQUESTS = 20_000
NODE = tuple(os.environ.get(f"CLUSTER_{what}_KUBELET", "") for what in ("STOP", "START"))
"""Commands that stop the node's kubelet and let it go on."""
NO_NODE = "set CLUSTER_STOP_KUBELET and CLUSTER_START_KUBELET to commands that do it"
CONTROLLER = "control-plane=kserve-controller-manager"
"""How its pod is labelled by KServe's own manifests."""


@pytest.fixture(scope="module")
def released(cluster: Cluster, model: Model) -> Iterator[Released]:
    """Version 1."""
    with cluster.namespace(SPACE) as space, cluster.volume(space, f"{NAME}-monitor"):
        space.apply(store_secret(cluster))
        space.install(NAME, values(cluster, model))
        found = Released(cluster, space, model)
        until(lambda: found.predict(model.built.rows(1)).status_code == 200, 120, "an answer")
        yield found


def weight(released: Released) -> int:
    """Percent of the traffic that goes to a canary."""
    refs = released.space.get("httproute", NAME)["spec"]["rules"][0]["backendRefs"]
    return int(refs[1]["weight"]) if len(refs) > 1 else 0


def disturbed(released: Released, folder: Path, fault: Callable[[Released], None]) -> int:
    """A release of the version that does not serve, with a fault once its canary has traffic."""
    stable = int(released.serving() or 0)
    with loaded(released), ThreadPoolExecutor() as beside:
        release = beside.submit(released.release, stable, 3 - stable, folder)
        until(lambda: weight(released) > 0 or release.done(), 180, "a canary with traffic")
        assert not release.done(), release.result().stderr
        fault(released)
        code = release.result().returncode
    expected = str(3 - stable) if code == 0 else str(stable)
    one_serves(released, expected)
    return code


def one_serves(released: Released, version: str) -> None:
    """One InferenceService, one version in all answers; the monitor and its record say the same."""
    until(lambda: len(released.space.names("isvc")) == 1, 120, "one InferenceService")
    until(lambda: released.serving() == version, 60, f"version {version} serves")
    assert {released.serving() for _ in range(20)} == {version}

    def told() -> Any:
        with released.monitor() as monitor:
            found = monitor.get(f"/v1/models/{NAME}/serving").json()
        return (found["stable"], found["canary"]) == (version, None) and found

    found = until(
        told, 150, f"the monitor says {version}"
    )  # kubelets renew mounted files each minute
    deployed = released.space.helm("history", NAME, "--max", "1", "-o", "json")
    assert f'"revision":{found["revision"]},' in deployed


def kill_the_canarys_pod(released: Released) -> None:
    """As a node that dies does it."""
    chosen = f"timonel.dev/model={NAME},timonel.dev/track=canary"
    released.space.kubectl("delete", "pod", "-l", chosen, "--force", "--grace-period=0")


def restart_the_controller(_: Released) -> None:
    """KServe's, with its webhooks."""
    gone = run("kubectl", "delete", "pod", "-A", "-l", CONTROLLER, "--wait=false")
    assert "deleted" in gone, "KServe's controller is not found"


def stop_the_kubelet(_: Released) -> None:
    """For half a minute."""
    stop, start = map(shlex.split, NODE)
    subprocess.run(stop, check=True)
    try:
        time.sleep(30)
    finally:
        subprocess.run(start, check=True)


@pytest.mark.parametrize(
    "fault",
    [
        kill_the_canarys_pod,
        restart_the_controller,
        pytest.param(stop_the_kubelet, marks=pytest.mark.skipif(not all(NODE), reason=NO_NODE)),
    ],
)
def test_one_version_serves_after_a_fault(
    released: Released, tmp_path: Path, fault: Callable[[Released], None]
) -> None:
    """Promoted or taken back, never between: the exit code, the cluster, the monitor agree."""
    code = disturbed(released, tmp_path, fault)
    assert code in (0, 10, 30, 1), (tmp_path / "release.md").read_text()


def test_no_request_of_20_000_fails_over_a_release(released: Released, tmp_path: Path) -> None:
    """A good canary under a steady load, from before its first pod until after the old one is gone."""
    stable = int(released.serving() or 0)
    with loaded(released, threads=6) as load:
        done = released.release(stable, 3 - stable, tmp_path)
        until(lambda: sum(load.answers.values()) >= REQUESTS, 300, f"{load.answers}")
    assert done.returncode == 0, (tmp_path / "release.md").read_text() + done.stderr
    one_serves(released, str(3 - stable))
    assert set(load.answers) == {200}, load.answers
