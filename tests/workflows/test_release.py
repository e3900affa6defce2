"""scripts/release.sh: what Helm is told, in which order, for each verdict; one version serves in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from played_releases import Monitor, answer, states

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/release.sh"


def environment(monitor: Monitor, folder: Path) -> dict[str, str]:
    """What the workflow's step has in its environment."""
    return os.environ | {
        "RELEASE": "fraud",
        "MODEL": "fraud",
        "STABLE": "6",
        "CANARY": "7",
        "CANARY_SET": "canary.storageUri=s3://models/7",
        "VALUES": "fraud.yaml",
        "NAMESPACE": "ml",
        "MONITOR": "fraud-monitor",
        "PORT": str(monitor.address),
        "INTERVAL": "0.01",
        "SETTLE": "0",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
    }


def release(monitor: Monitor, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = environment(monitor, folder) | more
    return subprocess.run(
        [str(SCRIPT)], env=env, cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.fixture(autouse=True)
def cluster(helm: Any) -> None:
    """Helm and kubectl of a cluster where everything works."""
    helm()


def test_a_good_canary_takes_over_step_by_step(monitor: Any, calls: Path, tmp_path: Path) -> None:
    """The suggested weights are set, then all goes to the canary while the stable one is replaced."""
    judge = monitor(
        answer("continue", 5),
        answer("continue", 25),
        answer("continue", 25),
        answer("promote", 100, final=True),
    )
    done = release(judge, tmp_path)
    assert done.returncode == 0, done.stderr
    assert states(calls) == [
        ("6", "7", "0"),
        ("6", "7", "5"),
        ("6", "7", "25"),
        ("6", "7", "100"),
        ("7", "7", "100"),
        ("7", "7", "0"),
        ("7", "none", "0"),
    ]
    assert [one for one in judge.asked if one.startswith("PUT")] == [
        f'PUT /v1/rollouts/fraud-7/weight {{"weight": {weight}}}'
        for weight in ("null", 5, "null", 25)  # null: the route is being changed
    ]
    assert "--set-string canary.storageUri=s3://models/7" in calls.read_text()


def test_each_run_of_the_workflow_is_a_rollout_of_its_own(monitor: Any, tmp_path: Path) -> None:
    """A version that was rolled back may be released again: its rollout has another id."""
    judge = monitor(answer("continue", 5), answer("rollback", 0, final=True))
    release(judge, tmp_path, GITHUB_RUN_ID="81", GITHUB_RUN_ATTEMPT="2")
    opened = next(one for one in judge.asked if one.startswith("POST /v1/models/fraud/rollouts"))
    assert '"id": "fraud-7-81-2"' in opened
    assert any(one.startswith("PUT /v1/rollouts/fraud-7-81-2/weight") for one in judge.asked)


@pytest.mark.parametrize(("verdict", "code"), [("rollback", 10), ("inconclusive", 30)])
def test_any_other_canary_is_withdrawn(
    monitor: Any, calls: Path, tmp_path: Path, verdict: str, code: int
) -> None:
    """Weight 0 before the canary goes; the exit code and the output say which verdict it was."""
    done = release(monitor(answer("continue", 5), answer(verdict, 0, final=True)), tmp_path)
    assert done.returncode == code
    assert states(calls)[1:] == [("6", "7", "5"), ("6", "7", "0"), ("6", "none", "0")]
    assert (tmp_path / "output").read_text() == f"outcome={verdict}\n"


def test_the_report_has_reasons_numbers_and_steps(monitor: Any, tmp_path: Path) -> None:
    """The job's summary says why, by which numbers, and what was done when."""
    release(monitor(answer("continue", 5), answer("rollback", 0, final=True)), tmp_path)
    summary = (tmp_path / "summary").read_text()
    assert summary.startswith("## fraud: 6 → 7: rollback")
    assert "- rollback because" in summary
    row = "| errors | 0.01 (0.008 to 0.012) | 0.01 (0.008 to 0.012) | 0.01 (0.008 to 0.012) |"
    assert f"{row} 0.4 (40 suffices) | 55 (40 suffices) |" in summary
    assert "all to 6, the canary goes" in summary
    assert summary == (tmp_path / "release.md").read_text()


def test_time_running_out_is_inconclusive(monitor: Any, calls: Path, tmp_path: Path) -> None:
    """No verdict is never a promotion."""
    done = release(monitor(answer("continue", 5)), tmp_path, HOURS="0.0001")
    assert done.returncode == 30
    assert states(calls)[-1] == ("6", "none", "0")


def test_helm_failing_ends_with_the_stable_version(
    monitor: Any, helm: Any, calls: Path, tmp_path: Path
) -> None:
    """An upgrade that fails half way is taken back, and the outcome is an error."""
    helm('case "$*" in *weight=25*) exit 1 ;; esac')
    done = release(monitor(answer("continue", 5), answer("continue", 25)), tmp_path)
    assert done.returncode == 1
    assert "helm upgrade ended with 1 (weight 25)" in done.stderr
    assert states(calls)[-2:] == [("6", "7", "0"), ("6", "none", "0")]
    assert (tmp_path / "output").read_text() == "outcome=error\n"


def test_an_upgrade_that_meets_a_restarting_webhook_is_done_again(
    monitor: Any, helm: Any, tmp_path: Path
) -> None:
    """What passes by itself ends no release."""
    met = tmp_path / "met"
    refusal = 'Internal error occurred: failed calling webhook "inferenceservice.kserve"'
    fails = f"{{ touch {met}; echo '{refusal}' >&2; exit 1; }}"
    helm(f'[[ "$*" != *weight=25* || -e {met} ]] || {fails}')
    answers = (answer("continue", 5), answer("continue", 25), answer("promote", 100, final=True))
    done = release(monitor(*answers), tmp_path)
    assert done.returncode == 0, done.stderr
    assert met.exists()
    assert f"trying again for 120 s: {refusal}" in done.stderr


def test_another_version_than_is_said_to_serve_is_an_error(
    monitor: Any, calls: Path, tmp_path: Path
) -> None:
    """Nothing is deployed: its package would be served under the name of the version that was said."""
    served = {"stable": {"version": "5"}, "canary": {"enabled": False}, "rollout": {"weight": 0}}
    (tmp_path / "values").write_text(json.dumps(served))
    done = release(monitor(answer("continue", 5)), tmp_path)
    assert done.returncode == 1
    assert "version 5 serves, --stable is 6" in done.stderr
    assert states(calls) == []


def test_a_stopped_job_withdraws_the_canary(monitor: Any, calls: Path, tmp_path: Path) -> None:
    """SIGTERM, as a cancelled job sends it, ends with the stable version alone."""
    judge = monitor(answer("continue", 5))
    script = SCRIPT.with_name("release.py")
    given = ["--release", "fraud", "--model", "fraud", "--stable", "6", "--canary", "7"]
    given += [
        "--monitor",
        f"http://127.0.0.1:{judge.address}",
        "--interval",
        "0.05",
        "--settle",
        "0",
    ]
    running = subprocess.Popen(["python3", str(script), *given], cwd=tmp_path)
    while sum(one.startswith("GET") for one in judge.asked) < 2:
        assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    assert running.wait(30) == 1
    assert states(calls)[-1] == ("6", "none", "0")
    assert "stopped by signal 15" in (tmp_path / "release.md").read_text()


def test_a_cancelled_release_can_be_withdrawn_by_the_next_step(
    monitor: Any, calls: Path, tmp_path: Path
) -> None:
    """The job's last step asks no judge: the stable version serves, the canary goes."""
    judge = monitor(answer("continue", 5))
    assert release(judge, tmp_path, WITHDRAW="1").returncode == 10
    assert states(calls) == [("6", "7", "0"), ("6", "none", "0")]
    assert judge.asked == []


def test_a_monitor_that_is_away_for_a_moment_is_asked_again(
    monitor: Any, calls: Path, tmp_path: Path
) -> None:
    """A refused connection is no verdict; one that stays refused withdraws the canary."""
    judge = monitor(answer("continue", 5))
    judge.address = 1  # nobody listens
    script = SCRIPT.with_name("release.py")
    given = ["--release", "fraud", "--model", "fraud", "--stable", "6", "--canary", "7"]
    given += ["--monitor", "http://127.0.0.1:1", "--patience", "2", "--settle", "0"]
    done = subprocess.run(
        ["python3", str(script), *given], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "asked 2 times" in done.stderr
    assert states(calls)[-1] == ("6", "none", "0")


def test_the_played_answers_are_the_monitors(monitor: Any) -> None:
    """What these tests answer has the fields and types that the monitor's API promises."""
    answers = pytest.importorskip("timonel_serving.monitor.rollouts.answers")
    fields = answers.VerdictAnswer.model_fields
    played = answer("continue", 5)
    assert set(played) <= set(fields)
    metric = answers.MetricAnswer.model_validate(played["metrics"]["errors"])
    assert set(played["metrics"]["errors"]) == set(type(metric).model_fields)
