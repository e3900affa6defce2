"""`timonel retrain` on a real model and a real ledger: what is due is trained, and the chain says why."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from projects import make_project, timonel_here
from served import DAY, Project
from turned import SERVED, TURN


def test_before_the_change_nothing_is_due(changed: Project) -> None:
    """Exit code 20, with the reason; a dry run writes nothing."""
    before = changed.ledger.decisions()
    done = changed.retrain("--if-due", "--dry-run", "--at", "2024-02-05")
    assert done.returncode == 20, done.stderr
    assert "nothing asks for a retraining" in done.stdout
    assert changed.ledger.decisions() == before


def test_after_the_change_the_model_is_retrained_and_the_chain_says_why(
    changed: Project, retrained: dict[str, Any]
) -> None:
    """Trigger, diagnosis, decision, run and version are linked; the rows after the change are learnt."""
    assert retrained["decision"]["triggers"][0]["kind"] == "loss"
    assert retrained["done"]["version"] == "2"
    since = datetime.fromisoformat(retrained["done"]["window"]["since"])
    assert abs(since - (SERVED + TURN * DAY)) < 2 * DAY
    records = changed.ledger.decisions()[:4]
    kinds = [(r.kind, json.loads(r.details).get("step")) for r in records]
    assert kinds == [
        ("diagnosis", None),
        ("retraining", "decided"),
        ("retraining", "started"),
        ("retraining", "ended"),
    ]
    told = [json.loads(r.details) for r in records]
    assert told[1]["diagnosis"]["hash"] == records[0].hash
    assert told[2]["decision"] == records[1].hash
    assert told[3]["key"] == told[1]["key"]
    assert told[3]["run"] == retrained["done"]["training"]["tracking_run"]
    assert told[3]["package_digest"] == retrained["done"]["training"]["package_digest"]
    assert changed.ledger.verify().whole


def test_a_release_that_nobody_could_judge_is_refused_before_anything_is_trained(
    accidents: Path, tmp_path: Path
) -> None:
    """Without a monitor `--release` is an error that says so; nothing is looked up, decided or trained."""
    config = make_project(tmp_path, accidents, monitoring={"monitor": {"port": 1}})
    done = timonel_here("retrain", "-c", config, "--if-due", "--release")
    assert done.returncode == 1
    assert "the monitor at http://127.0.0.1:1 does not answer" in done.stderr
    assert not (tmp_path / ".timonel").exists()
