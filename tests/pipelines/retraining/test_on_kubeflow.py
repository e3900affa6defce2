"""Trainings that the governor asks for, on a Kubeflow Pipelines server: one that runs what it is sent."""

import json
import socket
from pathlib import Path

import pytest
from mlflow import MlflowClient

from kfp_server import KfpServer, kfp_server
from projects import make_project, timonel_here
from served import Project

WHY = ("--force", "the vendor confirmed the new unit")
AS_GOOD = {"require": "non_inferiority", "margin": 0.05, "latency_margin_ms": 1000.0}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, accidents: Path) -> Project:
    """A trained model whose settings name its places in full, as pods need them."""
    folder = tmp_path_factory.mktemp("project")
    config = make_project(
        folder,
        accidents,
        data={"source": str(folder / "data.parquet")},
        storage={"directory": str(folder / ".timonel")},
        train={"candidates": ["logistic"], "trials": 1},
        evaluation={"bootstrap": 50, "challenge": AS_GOOD},
    )
    done = timonel_here("train", "-c", config)
    assert done.returncode == 0, done.stderr
    return Project(config)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMONEL_KFP_POLL_SECONDS", "0.2")


def test_the_version_that_the_server_trained_is_on_the_record(
    project: Project, tmp_path: Path
) -> None:
    """Run, data, package and gates of the decision are read back from MLflow, and the whole chain holds."""
    with kfp_server(KfpServer(folder=tmp_path)) as server:
        done = project.retrain(*WHY, "--host", server.url, "--json")
    assert done.returncode == 0, done.stderr + (tmp_path / "log.txt").read_text()
    found = json.loads(done.stdout)
    assert found["done"]["version"] == "2"
    assert all(gate["passed"] for gate in found["done"]["training"]["gates"])
    last = project.ledger.decisions()[-1]
    ended = json.loads(last.details)
    run = MlflowClient(f"sqlite:///{project.config.parent}/.timonel/mlflow.db").get_run(
        ended["run"]
    )
    assert run.data.tags["timonel.request"] == ended["key"] == found["decision"]["key"]
    audit = timonel_here("audit", "-c", project.config, "--decision", str(last.seq))
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_a_server_that_is_not_there_leaves_no_decision(project: Project) -> None:
    """It is asked before anything is decided: a retraining that never began delays no other one."""
    before = project.ledger.decisions()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
        done = project.retrain(*WHY, "--host", host)
    assert done.returncode != 0
    assert "no Kubeflow Pipelines server answers" in done.stderr
    assert project.ledger.decisions() == before
