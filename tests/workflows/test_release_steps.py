"""scripts/release.py, one step at a time: each reads what serves, and may be done again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from played_releases import answer, states

RELEASE = Path(__file__).resolve().parents[2] / "scripts/release.py"
STABLE = {"version": "6", "storageUri": "s3://models/6", "digest": "a6"}
CANARY = {"enabled": True, "version": "7", "storageUri": "s3://models/7", "digest": "a7"}


@pytest.fixture(autouse=True)
def cluster(helm: Any) -> None:
    """Helm and kubectl of a cluster where everything works."""
    helm()


def deployed(folder: Path, **more: Any) -> None:
    """What the release's values are."""
    values = {"stable": STABLE, "canary": {"enabled": False}, "rollout": {"weight": 0}} | more
    (folder / "values").write_text(json.dumps(values))


def step(folder: Path, name: str, *more: str, port: int = 1) -> subprocess.CompletedProcess[str]:
    """Run one step of the release of 7."""
    given = ["--release", "fraud", "--model", "fraud", "--canary", "7", "--settle", "0"]
    given += ["--monitor", f"http://127.0.0.1:{port}", "--patience", "1", *more]
    given += [f"--canary-set=canary.{key}={CANARY[key]}" for key in ("storageUri", "digest")]
    return subprocess.run(
        [sys.executable, str(RELEASE), name, *given],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("verdict", "final", "code"),
    [
        ("promote", True, 0),
        ("rollback", True, 10),
        ("continue", False, 20),
        ("inconclusive", False, 20),
        ("inconclusive", True, 30),
    ],
)
def test_a_look_ends_with_the_verdicts_code(
    monitor: Any, tmp_path: Path, verdict: str, final: bool, code: int
) -> None:
    """Without data for a while is no verdict yet; only the judge's last word is inconclusive."""
    deployed(tmp_path, canary=CANARY)
    judge = monitor(answer(verdict, 5, final=final))
    done = step(tmp_path, "look", port=judge.address)
    assert done.returncode == code, done.stderr


def test_a_look_writes_what_a_workflow_branches_on(monitor: Any, tmp_path: Path) -> None:
    """Verdict, weight and whether the route must change, a file each; then the code is 0."""
    deployed(tmp_path, canary=CANARY)
    judge = monitor(answer("continue", 25))
    done = step(tmp_path, "look", f"--outputs={tmp_path / 'out'}", port=judge.address)
    assert done.returncode == 0
    found = {one.name: one.read_text() for one in (tmp_path / "out").iterdir()}
    assert found == {
        "verdict": "continue",
        "weight": "25",
        "change": "true",
        "reasons": "continue because",
    }


def test_a_promotion_takes_the_package_along(monitor: Any, calls: Path, tmp_path: Path) -> None:
    """Stable gets the canary's version, address and digest; done again, nothing happens."""
    deployed(tmp_path, canary=CANARY, rollout={"weight": 50})
    judge = monitor(answer("promote", 100, final=True))
    assert step(tmp_path, "promote", port=judge.address).returncode == 0
    serves = json.loads((tmp_path / "values").read_text())
    assert serves["stable"] == {"version": "7", "storageUri": "s3://models/7", "digest": "a7"}
    assert states(calls) == [
        ("6", "7", "100"),
        ("7", "7", "100"),
        ("7", "7", "0"),
        ("7", "none", "0"),
    ]
    assert step(tmp_path, "promote", port=judge.address).returncode == 0
    assert len(states(calls)) == 4


def test_nothing_is_promoted_without_the_verdict(monitor: Any, calls: Path, tmp_path: Path) -> None:
    """A workflow that asks for it too early is refused."""
    deployed(tmp_path, canary=CANARY)
    judge = monitor(answer("continue", 50))
    done = step(tmp_path, "promote", port=judge.address)
    assert done.returncode == 1
    assert "the verdict on fraud-7 is continue, not promote" in done.stderr
    assert states(calls) == []


def test_settling_takes_a_canary_away(calls: Path, tmp_path: Path) -> None:
    """Without a monitor that answers, too; done again, nothing happens."""
    deployed(tmp_path, canary=CANARY, rollout={"weight": 50})
    for _ in range(2):
        assert step(tmp_path, "settle").returncode == 0
        assert states(calls) == [("6", "7", "0"), ("6", "none", "0")]


def test_settling_finishes_a_promotion_that_was_cut_off(calls: Path, tmp_path: Path) -> None:
    """Stable is the new version already: it is waited for before the traffic moves to it."""
    deployed(tmp_path, stable=CANARY | {"version": "7"}, canary=CANARY, rollout={"weight": 100})
    assert step(tmp_path, "settle").returncode == 0
    assert states(calls) == [("7", "7", "100"), ("7", "7", "0"), ("7", "none", "0")]


def test_another_ones_canary_is_left_alone(calls: Path, tmp_path: Path) -> None:
    """Settling is about the canary of this release only."""
    deployed(tmp_path, canary=CANARY | {"version": "8"}, rollout={"weight": 50})
    assert step(tmp_path, "settle").returncode == 0
    assert states(calls) == []


def test_knative_holds_until_the_stable_version_is_its_newest(calls: Path, tmp_path: Path) -> None:
    """The old spec with 0 percent first, without the percentage only when that is ready."""
    deployed(tmp_path, canary=CANARY, rollout={"weight": 50, "strategy": "knative"})
    assert step(tmp_path, "withdraw").returncode == 0
    told = [line for line in calls.read_text().splitlines() if not line.startswith("helm get")]
    holds = ["hold=true" in line for line in told]
    kinds = [line.split()[0] for line in told]
    order = ["helm", "helm", "kubectl", "kubectl", "helm"]
    assert (kinds, holds) == (order, [False, True, False, False, False])


def test_on_knative_helm_does_not_wait(monitor: Any, calls: Path, tmp_path: Path) -> None:
    """It would for good: KServe's status names the generation of another object. We look ourselves."""
    deployed(tmp_path, canary=CANARY, rollout={"weight": 100, "strategy": "knative"})
    judge = monitor(answer("promote", 100, final=True))
    assert step(tmp_path, "promote", port=judge.address).returncode == 0
    told = calls.read_text()
    assert "--wait" not in told
    assert told.index("helm upgrade") < told.rindex("kubectl --namespace timonel get revision")


def test_an_upgrade_that_was_killed_is_rolled_back_first(calls: Path, tmp_path: Path) -> None:
    """Helm refuses while an upgrade is pending; one that nobody finishes is undone, then ours follows."""
    deployed(tmp_path, canary=CANARY, rollout={"weight": 50})
    (tmp_path / "pending").touch()
    assert step(tmp_path, "withdraw", "--stuck=0").returncode == 0
    assert "helm rollback fraud" in calls.read_text()
    assert states(calls)[-1] == ("6", "none", "0")
