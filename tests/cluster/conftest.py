"""The cluster of KUBECONFIG, and packages of a model in an object store that its pods reach."""

import os
import uuid
from pathlib import Path

import pytest

from clusters import Cluster, Model, cluster_of, missing
from packages import build
from rollouts import NARROW, variant

# read before the fixtures of all tests clear it
ENVIRONMENT = dict(os.environ)
LACKING = missing()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a cluster nothing here runs."""
    if LACKING is not None:
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=LACKING))


@pytest.fixture(autouse=True)
def reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the cluster."""
    for name in ("KUBECONFIG", "PATH"):
        monkeypatch.setenv(name, ENVIRONMENT[name])


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster under test."""
    return cluster_of(ENVIRONMENT)


@pytest.fixture(scope="session")
def model(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A real model in three versions, at addresses of this run's own."""
    folder = tmp_path_factory.mktemp("model")
    built, uris, place = build(folder / "package"), {}, uuid.uuid4().hex
    for number in (1, 2, NARROW):
        sealed = variant(built, folder / f"v{number}", number)
        uris[str(number)] = cluster.store.put(sealed.path, f"{place}/{number}"), sealed.digest
    return Model(built, uris)
