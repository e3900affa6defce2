"""`timonel train`: the whole pipeline through kfp.local, as a person meets it.

One project lives through it all, in this order: a training that is interrupted while a second one is
turned away; the same training again; one whose model fails its gates.
"""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from projects import Done, command, make_project, timonel
from timonel.config import load_config
from timonel.errors import BadInput
from timonel.package import open_package
from timonel_components.ingest import ingest
from timonel_components.registry import resolve
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.journal import Journal

ROOMY = 150
"""Seconds that a training may take on a busy machine."""


@dataclass(frozen=True)
class Lived:
    """What the project lived through."""

    config: Path
    turned_away: Done
    interrupted: Done
    seconds_to_stop: float
    after_interrupt: dict[str, str]
    """Status of each tracking run right after the interrupt."""
    trained: Done
    refused: Done

    @property
    def home(self) -> Path:
        return self.config.parent / ".timonel"

    @property
    def client(self) -> MlflowClient:
        return client_of(self.config)


def client_of(config: Path) -> MlflowClient:
    """MLflow as the project keeps it."""
    return MlflowClient(f"sqlite:///{config.parent / '.timonel' / 'mlflow.db'}")


def statuses(config: Path) -> dict[str, str]:
    """The status of each run."""
    client = client_of(config)
    experiment = client.get_experiment_by_name("accidents")
    return {r.info.run_name: r.info.status for r in client.search_runs([experiment.experiment_id])}


def until_training(config: Path) -> None:
    """Wait until a candidate is being trained."""
    deadline = time.monotonic() + ROOMY
    while time.monotonic() < deadline:
        for journal in (config.parent / ".timonel").glob("runs/*/journal.jsonl"):
            events, _ = Journal(journal).read()
            if any(e.step == "train" and e.state == "started" for e in events):
                return
        time.sleep(0.05)
    raise AssertionError("no candidate is being trained")


def live_through(config: Path) -> Lived:
    """Interrupt a training, turn a second one away, train, fail the gates."""
    first = subprocess.Popen(
        command("train", "-c", config), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until_training(config)
    turned_away = timonel("train", "-c", config)
    time.sleep(1)
    began = time.monotonic()
    first.send_signal(signal.SIGINT)
    out, err = first.communicate(timeout=60)
    seconds = time.monotonic() - began
    interrupted = Done(first.args, first.returncode, out, err)
    after = statuses(config)
    trained = timonel("train", "-c", config, "--json", seconds=ROOMY)
    make_project(
        config.parent,
        config.parent / "data.parquet",
        train={"candidates": ["logistic"]},
        evaluation={"gates": [{"metric": "roc_auc", "at_least": 0.99}]},
    )
    refused = timonel("train", "-c", config, seconds=ROOMY)
    return Lived(config, turned_away, interrupted, seconds, after, trained, refused)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, accidents: Path) -> Lived:
    """A project that lived through it all."""
    return live_through(make_project(tmp_path_factory.mktemp("project"), accidents))


def result(lived: Lived) -> dict[str, Any]:
    """What the successful training printed."""
    assert lived.trained.returncode == 0, lived.trained.stderr
    found: dict[str, Any] = json.loads(lived.trained.stdout)
    return found


def processes_that_name(folder: Path) -> list[str]:
    """Command lines of running processes that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found += [line] if str(folder) in line else []
    return found


@pytest.mark.timeout(600)
def test_a_second_training_is_turned_away(lived: Lived) -> None:
    """While one runs, another says so at once, names its process, and is exit code 1."""
    assert lived.turned_away.returncode == 1
    assert lived.turned_away.stderr.startswith("error: another training of accidents is running")
    assert "(process " in lived.turned_away.stderr
    assert lived.turned_away.stdout == ""


def test_ctrl_c_ends_a_training_with_nothing_left_behind(lived: Lived) -> None:
    """It answers, ends within seconds with code 130; no process, no package, no open run remains."""
    assert lived.interrupted.returncode == 130
    assert "stopping" in lived.interrupted.stderr
    assert "Traceback" not in lived.interrupted.stderr
    assert lived.seconds_to_stop < 20
    assert set(lived.after_interrupt.values()) == {"KILLED"}
    assert processes_that_name(lived.config.parent) == []


def test_the_training_after_an_interrupted_one_is_whole(lived: Lived) -> None:
    """The data is taken in once, and version 1 of the model is registered as both aliases."""
    found = result(lived)
    assert found["registered"] is True
    assert (found["version"], found["data_version"]) == (1, 0)
    assert found["aliases"] == ["challenger", "champion"]
    assert found["candidate"] in ("logistic", "boosting")
    assert 0.5 < found["metrics"]["roc_auc"]["value"] < 1
    assert [g["passed"] for g in found["gates"]] == [True]
    assert lived.trained.stderr == ""


def test_the_registered_version_is_the_package_that_was_made(lived: Lived) -> None:
    """Package, registry and record of origin tell of the same model."""
    found = result(lived)
    package = open_package(Path(found["package"]), expected_digest=found["package_digest"])
    version, registered = resolve(load_config(lived.config), "champion")
    assert version == 1
    assert registered.digest == package.digest
    assert package.manifest.origin.run_id == found["tracking_run"]


def test_each_candidate_has_a_run_under_the_run_of_the_training(lived: Lived) -> None:
    """Nested runs: the parent finished with the test figures, a child a candidate with its settings."""
    found = result(lived)
    parent = lived.client.get_run(found["tracking_run"])
    children = lived.client.search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["roc_auc"] == found["metrics"]["roc_auc"]["value"]
    assert parent.data.tags["timonel.gates"] == "pass"
    assert {c.info.run_name for c in children} == {"logistic", "boosting"}
    assert {c.info.status for c in children} == {"FINISHED"}
    assert all("validation_pr_auc" in c.data.metrics for c in children)


def test_a_run_keeps_its_log_and_report_and_no_working_files(lived: Lived) -> None:
    """What a person may want stays, what the engine needed goes."""
    found = result(lived)
    assert "<html" in Path(found["report"]).read_text().lower()
    log = Path(found["log"])
    assert "boosting" in log.read_text()
    assert not (log.parent / "work").exists()


def test_a_model_that_fails_its_gates_is_not_registered(lived: Lived) -> None:
    """Exit code 10, the failed gate with its numbers, and the registry is as it was."""
    assert lived.refused.returncode == 10, lived.refused.stderr
    assert "nothing was registered, 1 of 1 gates failed" in lived.refused.stdout
    assert "expected lower end at least 0.99" in lived.refused.stdout
    versions = lived.client.search_model_versions("name='accidents'")
    assert [int(v.version) for v in versions] == [1]
    assert len(list((lived.home / "packages" / "accidents").iterdir())) == 1


def test_a_training_tells_its_steps_one_by_one(lived: Lived) -> None:
    """On standard error a line a step, in order; standard output holds the result alone."""
    told = [line.split()[0] for line in lived.refused.stderr.splitlines() if line.strip()]
    assert told == ["data", "train", "evaluate", "refused"]
    assert "KFP" not in lived.refused.stderr
    assert "INFO" not in lived.refused.stderr


def test_a_step_that_fails_speaks_for_itself(tmp_path: Path, accidents: Path) -> None:
    """The message is the one that the component raises, as if there was no engine between."""
    config = make_project(tmp_path, accidents, data={"target": "absent"})
    with pytest.raises(BadInput) as raised:
        ingest(load_config(config))
    done = timonel("train", "-c", config, seconds=ROOMY)
    assert done.returncode == 1
    assert done.stderr == f"error: {raised.value}\n"
    assert done.stdout == ""


def test_quiet_prints_errors_only(tmp_path: Path, accidents: Path) -> None:
    """--quiet with settings that are wrong: the error; exit code 1."""
    config = make_project(tmp_path, accidents, train={"trials": 0})
    done = timonel("train", "-c", config, "--quiet")
    assert done.returncode == 1
    assert "train.trials is 0" in done.stderr
    assert not (tmp_path / ".timonel").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The workspace on a disk of its own that is too small."""
    disk = tmp_path / ".timonel"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs privileges")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_said_as_such_and_spoils_nothing(small_disk: Path, accidents: Path) -> None:
    """The message says what is full and what to do; with more space MLflow's database is made whole."""
    config = make_project(small_disk.parent, accidents)
    done = timonel("train", "-c", config, seconds=ROOMY)
    assert done.returncode == 1
    assert "is full" in done.stderr
    assert "Traceback" not in done.stderr
    subprocess.run(["mount", "-o", "remount,size=40m", str(small_disk)], check=True)
    assert Tracking(load_config(config)).experiment
