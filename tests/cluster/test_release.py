"""A model on the cluster from the first install to the last uninstall, by the commands that people use."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from clusters import Cluster, Model, until
from releases import NAME, Released, loaded, store_secret, values
from rollouts import NARROW, Load

SPACE = "timonel-release"
REQUESTS = 20_000
OK, REFUSED = 200, 400


@pytest.fixture(scope="module")
def released(cluster: Cluster, model: Model) -> Iterator[Released]:
    """Version 1, installed from nothing."""
    with cluster.namespace(SPACE) as space, cluster.volume(space, f"{NAME}-monitor"):
        space.apply(store_secret(cluster))
        space.install(NAME, values(cluster, model))
        found = Released(cluster, space, model)
        until(lambda: found.predict(model.built.rows(1)).status_code == 200, 120, "an answer")
        yield found


@pytest.fixture(scope="module")
def steady(released: Released) -> Iterator[Load]:
    """Requests without a pause from before the first release until after the last one."""
    with loaded(released, threads=6) as load:
        yield load


def test_it_answers_over_the_gateway_as_scikit_learn_does(released: Released) -> None:
    """V1 and V2 through the gateway give scikit-learn's own decisions and scores."""
    rows = released.model.built.rows(20)
    expected = released.model.built.expected(rows)[:, 1]
    first = released.predict(rows)
    assert first.status_code == 200, first.text
    assert first.json()["predictions"] == (expected >= 0.4).astype(int).tolist()
    path = f"/v2/models/{NAME}"
    assert released.cluster.ask(released.host, f"{path}/ready").status_code == 200
    told = released.cluster.ask(released.host, path).json()
    inputs = [
        {
            "name": one["name"],
            "shape": [20],
            "datatype": one["datatype"],
            "data": [r[one["name"]] for r in rows],
        }
        for one in told["inputs"]
    ]
    second = released.cluster.ask(released.host, f"{path}/infer", {"inputs": inputs})
    assert second.status_code == 200, second.text
    outputs = {one["name"]: one["data"] for one in second.json()["outputs"]}
    np.testing.assert_allclose(outputs["score"], expected, atol=1e-4)


def test_helm_test_passes(released: Released) -> None:
    """`helm test` predicts through the route and reads a metric."""
    assert "Phase:          Succeeded" in released.space.helm("test", NAME, "--timeout", "120s")


def test_the_monitor_counts_what_was_predicted(released: Released) -> None:
    """Every request's row reaches the monitor through the sidecar."""
    before = released.counted()
    for _ in range(50):
        assert released.predict(released.model.built.rows(2)).status_code == 200
    until(lambda: released.counted() >= before + 100, 60, "100 more predictions counted")


def test_a_tampered_package_never_serves_and_says_why(released: Released, steady: Load) -> None:
    """A canary whose digest is another's is not ready; `kubectl describe` says so; others are served."""
    tampered = released.model.source(2) | {"enabled": True, "digest": "0" * 64}
    wanted = values(released.cluster, released.model, canary=tampered)
    released.space.install(NAME, wanted, wait=False)

    def described() -> bool:
        chosen = f"timonel.dev/model={NAME},timonel.dev/track=canary"
        return "0" * 64 in released.space.kubectl("describe", "pods", "-l", chosen)

    until(described, 120, "the reason in kubectl describe")
    assert released.serving() == "1"
    released.space.install(NAME, values(released.cluster, released.model))
    assert "isvc/loans-canary" not in {x.partition(".")[0] for x in released.space.names("isvc")}
    assert set(steady.answers) == {OK}, steady.answers


def test_a_good_canary_is_promoted(released: Released, steady: Load, tmp_path: Path) -> None:
    """The workflow's script promotes version 2; every request is answered 200."""
    done = released.release(1, 2, tmp_path)
    assert done.returncode == 0, (tmp_path / "release.md").read_text() + done.stderr
    assert released.serving() == "2"
    assert set(steady.answers) == {OK}, steady.answers
    isvc = released.space.names("isvc")
    assert len(isvc) == 1, isvc


def test_a_bad_canary_is_rolled_back(released: Released, steady: Load, tmp_path: Path) -> None:
    """One that refuses a third of the rows is taken back; the report says by which metric."""
    done = released.release(2, NARROW, tmp_path)
    assert done.returncode == 10, (tmp_path / "release.md").read_text() + done.stderr
    assert "rejected" in (tmp_path / "release.md").read_text()
    assert released.serving() == "2"
    assert len(released.space.names("isvc")) == 1
    assert steady.answers[REFUSED] > 0


def test_helm_rollback_restores_the_champion_before_and_is_on_the_record(
    released: Released, steady: Load
) -> None:
    """`helm rollback` to the first revision serves version 1 again, and the monitor records it."""
    released.space.helm("rollback", NAME, "1", "--wait", "--timeout", "180s")
    until(lambda: released.serving() == "1", 120, "version 1 serves")

    def recorded() -> bool:
        with released.monitor() as client:
            found = client.get(f"/v1/models/{NAME}/decisions").text
        return "version 2 -> 1, rolled back" in found

    until(recorded, 150, "the rollback on the record")


def test_no_request_of_20_000_failed(steady: Load) -> None:
    """Over all these releases; what the bad canary's own contract refuses is its answer, no failure."""
    until(lambda: steady.answers.total() >= REQUESTS, 300, f"{steady.answers}")
    steady.stop()
    assert set(steady.answers) == {OK, REFUSED}, steady.answers
    print(steady.answers)  # noqa: T201  the figures, for `pytest -rP`


def test_two_releases_do_not_see_each_other(released: Released, cluster: Cluster) -> None:
    """A second model beside it: requests to one are counted by one."""
    other = Released(cluster, released.space, released.model, "spam")
    wanted = values(cluster, released.model, monitor={"storage": {"type": "emptyDir"}})
    wanted["monitor"] |= {"ledger": {"type": "none"}}
    released.space.install("spam", wanted)
    until(lambda: other.predict(released.model.built.rows(1)).status_code == 200, 120, "answers")
    before = released.counted()
    for _ in range(10):
        assert other.predict(released.model.built.rows(1)).status_code == 200
    until(lambda: other.counted() >= 10, 60, "its own are counted")
    assert released.counted() == before
    released.space.helm("uninstall", "spam", "--wait")
    assert released.predict(released.model.built.rows(1)).status_code == 200


def test_uninstall_leaves_the_ledger_and_nothing_else(released: Released) -> None:
    """After `helm uninstall` the claim with the ledger is left, and the notes said how to remove it."""
    notes = released.space.helm("get", "notes", NAME)
    assert f"delete pvc {NAME}-monitor" in notes
    released.space.helm("uninstall", NAME, "--wait", "--timeout", "120s")
    kinds = "isvc,deploy,svc,httproute,configmap,secret,pvc,sa,role,rolebinding,networkpolicy,pdb"

    def left() -> set[str]:
        return released.space.names(kinds, f"app.kubernetes.io/instance={NAME}")

    until(lambda: left() == {f"persistentvolumeclaim/{NAME}-monitor"}, 60, f"left: {left()}")
