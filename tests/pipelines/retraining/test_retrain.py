"""`timonel retrain` on a real model and a real ledger: what is due is trained, and the chain says why."""

import json
from datetime import datetime

import pytest

from served import DAY, Project
from turned import SERVED, TURN, turned


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A model trained on the old rule, whose log shows the new one from day 40 on."""
    return turned(tmp_path_factory.mktemp("retrain"))


def test_before_the_change_nothing_is_due(project: Project) -> None:
    """Exit code 20, with the reason; a dry run writes nothing."""
    done = project.retrain("--if-due", "--dry-run", "--at", "2024-02-05")
    assert done.returncode == 20, done.stderr
    assert "nothing asks for a retraining" in done.stdout
    assert project.ledger.decisions() == []


def test_after_the_change_the_model_is_retrained_and_the_chain_says_why(project: Project) -> None:
    """Trigger, diagnosis, decision, run and version are linked; the rows after the change are learnt."""
    done = project.retrain("--if-due", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["decision"]["triggers"][0]["kind"] == "loss"
    assert found["done"]["version"] == "2"
    since = datetime.fromisoformat(found["done"]["window"]["since"])
    assert abs(since - (SERVED + TURN * DAY)) < 2 * DAY
    records = project.ledger.decisions()
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
    assert told[3]["run"] == found["done"]["training"]["tracking_run"]
    assert told[3]["package_digest"] == found["done"]["training"]["package_digest"]
    assert project.ledger.verify().whole
