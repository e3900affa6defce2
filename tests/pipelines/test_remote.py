"""The pipeline on a Kubeflow Pipelines server, over HTTP."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from kfp_server import KfpServer, kfp_server, stage
from projects import Done, timonel_here


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMONEL_KFP_POLL_SECONDS", "0.05")
    monkeypatch.delenv("TIMONEL_KFP_TOKEN", raising=False)


def run(server: KfpServer, config: Path, *words: str) -> Done:
    """Run the pipeline there."""
    return timonel_here("pipeline", "run", "-c", config, "--host", server.url, *words)


def defaults(body: dict[str, Any]) -> dict[str, Any]:
    """The defaults of a submitted pipeline's parameters."""
    spec = body["pipeline_spec"]["pipeline_spec"]
    return {
        name: parameter.get("defaultValue")
        for name, parameter in spec["root"]["inputDefinitions"]["parameters"].items()
    }


def test_a_run_is_submitted_with_the_settings_and_followed_to_its_end(project: Path) -> None:
    """The server gets the pipeline with the text of timonel.yaml; a registered model is exit code 0."""
    stages = [
        stage("RUNNING", prepare="RUNNING"),
        stage("RUNNING", prepare="SUCCEEDED", train="RUNNING"),
        stage("SUCCEEDED", prepare="SUCCEEDED", train="SUCCEEDED", register="SUCCEEDED"),
    ]
    with kfp_server(KfpServer(stages)) as server:
        done = run(server, project)
    assert done.returncode == 0, done.stderr
    assert "a version was registered" in done.stdout
    assert f"{server.url}/#/runs/details/run-0" in done.stdout
    assert [line.split() for line in done.stderr.splitlines()[3:]] == [
        ["data", "running"],
        ["data", "succeeded"],
        ["train", "running"],
        ["train", "succeeded"],
        ["register", "succeeded"],
    ]
    [submitted] = server.runs.values()
    assert defaults(submitted)["config"] == project.read_text()
    assert submitted["pipeline_spec"]["platform_spec"]["platforms"]["kubernetes"]


def test_a_refused_model_on_the_server_is_exit_code_10(project: Path) -> None:
    """The branch of a failed gate is told apart from a failed run."""
    with kfp_server(KfpServer([stage("SUCCEEDED", refuse="SUCCEEDED")])) as server:
        done = run(server, project, "--json")
    assert done.returncode == 10
    assert json.loads(done.stdout) == {
        "run": "run-0",
        "url": f"{server.url}/#/runs/details/run-0",
        "state": "SUCCEEDED",
        "registered": False,
        "refused": True,
    }


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_a_run_that_failed_or_was_cancelled_ends_the_waiting(project: Path, state: str) -> None:
    """Waiting ends in every final state, names the failed step, and is exit code 1."""
    with kfp_server(KfpServer([stage(state, train="FAILED")])) as server:
        done = run(server, project)
    assert done.returncode == 1
    assert f"the run ended as {state}" in done.stderr
    assert "step train: failed" in done.stderr


def test_a_server_that_restarts_while_a_run_goes_on_is_waited_for(project: Path) -> None:
    """A few failed looks at a run do not end the waiting."""
    with kfp_server(KfpServer(failing_looks=3)) as server:
        done = run(server, project)
    assert done.returncode == 0, done.stderr


def test_without_waiting_the_run_is_submitted_and_left(project: Path) -> None:
    """--no-wait returns when the server has the run."""
    with kfp_server(KfpServer()) as server:
        done = run(server, project, "--no-wait")
    assert done.returncode == 0
    assert len(server.runs) == 1
    assert server.looks == 0


def test_the_token_is_read_from_the_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that wants a token gets it, and its refusal names the variable."""
    with kfp_server(KfpServer(token="secret")) as server:
        refused = run(server, project)
        monkeypatch.setenv("TIMONEL_KFP_TOKEN", "secret")
        done = run(server, project)
    assert refused.returncode == 1
    assert "TIMONEL_KFP_TOKEN" in refused.stderr
    assert "secret" not in refused.stderr
    assert done.returncode == 0, done.stderr


def test_a_server_that_is_not_there_is_said_at_once(project: Path) -> None:
    """No server at the address: an error that names it, without a traceback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
        done = timonel_here("pipeline", "run", "-c", project, "--host", host)
    assert done.returncode == 1
    assert f"error: {host}: no Kubeflow Pipelines server answers" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_schedule_is_one_run_at_a_time_without_catching_up_and_replaces_the_last(
    project: Path,
) -> None:
    """Scheduling twice leaves one recurring run, with the newest time."""
    with kfp_server(KfpServer()) as server:
        words = ("pipeline", "schedule", "-c", project, "--host", server.url)
        first = timonel_here(*words)
        second = timonel_here(*words, "--cron", "0 30 4 * * *", "--json")
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    [made] = server.recurring.values()
    assert json.loads(second.stdout)["recurring_run"] == made["recurring_run_id"]
    assert made["display_name"] == "timonel-train-accidents"
    assert made["trigger"]["cron_schedule"]["cron"] == "0 30 4 * * *"
    assert made["max_concurrency"] == 1
    assert made["no_catchup"] is True
    assert defaults(made)["config"] == project.read_text()


def test_a_schedule_of_five_fields_is_refused(project: Path) -> None:
    """The usual five-field cron is an error that shows the six-field one."""
    done = timonel_here(
        "pipeline", "schedule", "-c", project, "--host", "http://x", "--cron", "0 2 * * *"
    )
    assert done.returncode == 1
    assert "5 fields, expected 6" in done.stderr
    assert '"0 0 2 * * *"' in done.stderr
