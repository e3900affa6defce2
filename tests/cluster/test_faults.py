"""Faults in the middle of a release: in the end one version serves, and the record says which."""

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from clusters import Cluster, Model, run, until
from releases import NAME, Released, loaded, store_secret

# a release under a fault takes its time, and the faults are everybody's
pytestmark = [pytest.mark.alone, pytest.mark.timeout(500)]
SPACE = "timonel-faults"
PATIENT = {"hold_blocks": 4}
"""So long that all faults come amid the release."""
ENDS = {
    0: ("promote", "version 1 -> 2, the canary was promoted", "2"),
    10: ("rollback", "version 2 was withdrawn", "1"),
    30: ("inconclusive", "version 2 was withdrawn", "1"),
}
"""By exit code: the outcome that the report has, what the record says, and which version serves."""
NODE = tuple(os.environ.get(f"CLUSTER_{what}_KUBELET", "") for what in ("STOP", "START"))
"""Commands that stop the node's kubelet and let it go on."""
NO_NODE = "set CLUSTER_STOP_KUBELET and CLUSTER_START_KUBELET to commands that do it"
CONTROLLER = "control-plane=kserve-controller-manager"
"""How its pod is labelled by KServe's own manifests."""


@pytest.fixture(scope="module")
def released(cluster: Cluster, model: Model) -> Iterator[Released]:
    """Version 1."""
    with cluster.namespace(SPACE) as space, cluster.volume(space, f"{NAME}-monitor"):
        found = Released(cluster, space, model, judge=PATIENT)
        space.apply(store_secret(cluster))
        space.install(NAME, found.values())
        until(lambda: found.predict(model.built.rows(1)).status_code == 200, 120, "an answer")
        yield found


def weight(released: Released) -> int:
    """Percent of the traffic that goes to a canary."""
    refs = released.space.get("httproute", NAME)["spec"]["rules"][0]["backendRefs"]
    return int(refs[1]["weight"]) if len(refs) > 1 else 0


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


@pytest.mark.skipif(not all(NODE), reason=NO_NODE)
def test_a_release_under_faults_ends_in_one_version_and_a_true_record(
    released: Released, tmp_path: Path
) -> None:
    """KServe's controller restarts, the kubelet stops, the canary's pod dies, all amid one release:
    promoted or taken back, never between; exit code, cluster, judge and the chain of decisions agree.
    """
    with loaded(released), ThreadPoolExecutor() as beside:
        release = beside.submit(released.release, 1, 2, tmp_path)
        until(lambda: weight(released) > 0 or release.done(), 180, "a canary with traffic")
        for fault in (restart_the_controller, stop_the_kubelet, kill_the_canarys_pod):
            assert not release.done(), f"{fault.__name__}: {release.result()}"
            fault(released)
        done = release.result()
    report = (tmp_path / "release.md").read_text()
    assert done.returncode in ENDS, f"{done.returncode}\n{report}{done.stderr}"
    verdict, said, version = ENDS[done.returncode]
    one_serves(released, version)
    assert report.startswith(f"## {NAME}: 1 → 2: {verdict}"), report

    def recorded() -> list[dict[str, Any]]:
        found = decisions(released)
        print(*(one["summary"] for one in found), sep="\n")  # noqa: T201  shown if it fails
        return found if any(said in one["summary"] for one in found) else []

    told = until(recorded, 90, f"on the record: {said}")
    # newest first: each names the hash of the one before it
    assert all(new["previous"] == old["hash"] for new, old in pairwise(told))
    whole = ("ledger", "verify", "--config", "/etc/timonel/timonel.yaml")
    released.space.kubectl(
        "exec", f"deploy/{NAME}-monitor", "--", "/opt/timonel/bin/timonel", *whole
    )


def decisions(released: Released) -> list[dict[str, Any]]:
    """The monitor's chain, newest first."""
    with released.monitor() as monitor:
        found: list[dict[str, Any]] = monitor.get(f"/v1/models/{NAME}/decisions").json()[
            "decisions"
        ]
    return found
