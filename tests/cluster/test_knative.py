"""Releases in Knative mode, by the GitHub workflow's script: one InferenceService, its revisions weighed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters import Cluster, Model, run, until
from releases import NAME, Released, loaded, store_secret
from rollouts import NARROW, Load

pytestmark = pytest.mark.timeout(600)  # two releases
SPACE = "timonel-knative"
OK, REFUSED = 200, 400


@pytest.fixture(scope="module")
def released(cluster: Cluster, model: Model) -> Iterator[Released]:
    """Version 1."""
    if not run("kubectl", "get", "crd", "services.serving.knative.dev", "--ignore-not-found"):
        pytest.skip("the cluster has no Knative Serving")
    with cluster.namespace(SPACE) as space, cluster.volume(space, f"{NAME}-monitor"):
        found = Released(cluster, space, model, strategy="knative")
        space.apply(store_secret(cluster))
        space.install(NAME, found.values())
        until(lambda: found.predict(model.built.rows(1)).status_code == OK, 180, "an answer")
        yield found


@pytest.fixture(scope="module")
def steady(released: Released) -> Iterator[Load]:
    """Requests without a pause, over both releases."""
    with loaded(released) as load:
        yield load


def test_a_good_canary_is_promoted(released: Released, steady: Load, tmp_path: Path) -> None:
    """Version 2 takes over; no request fails."""
    done = released.release(1, 2, tmp_path)
    assert done.returncode == 0, (tmp_path / "release.md").read_text() + done.stderr
    assert {released.serving() for _ in range(20)} == {"2"}
    assert set(steady.answers) == {OK}, steady.answers


def test_a_bad_canary_is_rolled_back(released: Released, steady: Load, tmp_path: Path) -> None:
    """Its revision stays Knative's newest until the old version is one again: no request fails, and once
    it is given up none reaches it.
    """
    done = released.release(2, NARROW, tmp_path)
    assert done.returncode == 10, (tmp_path / "release.md").read_text() + done.stderr
    before = steady.answers[REFUSED]
    assert before > 0
    until(lambda: released.serving() == "2", 10, "version 2 serves")
    assert {released.serving() for _ in range(50)} == {"2"}
    assert steady.answers[REFUSED] == before
    assert set(steady.answers) == {OK, REFUSED}, steady.answers
    print(steady.answers)  # noqa: T201  the figures, for `pytest -rP`
