"""`timonel audit` on a retraining that was carried out: the chain holds, and says where it does not."""

import json
from pathlib import Path
from typing import Any

import pytest

from projects import Done, timonel_here
from served import Project
from timonel.config import load_config
from timonel.ledger import Decision
from timonel_components.registry import resolve


@pytest.fixture
def project(changed: Project, retrained: dict[str, Any]) -> Project:
    """A model that was retrained after a change of concept."""
    assert retrained["done"]["outcome"] == "done"
    return changed


def audit(project: Project, decision: object, *words: object) -> Done:
    return timonel_here("audit", "-c", project.config, "--decision", str(decision), *words)


def links(project: Project, decision: object) -> dict[str, dict[str, Any]]:
    done = audit(project, decision, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return {one["link"]: one for one in json.loads(done.stdout)["links"]}


def test_every_link_from_the_trigger_to_the_champion_holds(retrained: dict[str, Any]) -> None:
    """Diagnosis, decision, run, data, version, gates, rollout and champion, with full digests."""
    found = {one["link"]: one for one in retrained["audit"]}
    assert {name: one["said"] for name, one in found.items() if one["found"] != "holds"} == {}
    assert {"run", "data", "version", "rollout", "champion"} <= set(found)
    assert len(found["version"]["ids"]["digest"]) == 64
    assert found["run"]["ids"]["run"] in found["run"]["said"]


def test_any_record_of_the_chain_leads_to_it(project: Project) -> None:
    """The diagnosis, the start and the end are told as the decision is; so is the hash."""
    records = project.ledger.decisions()[:4]
    wanted = links(project, project.decided)
    assert all(links(project, one.seq) == wanted for one in records)
    assert links(project, records[0].hash[:12]) == wanted


def test_the_command_sets_the_same_training_up_again(project: Project, tmp_path: Path) -> None:
    """Trained by what it wrote, the model has the same figures."""
    folder = tmp_path / "again"
    done = audit(project, project.decided, "--reproduce", folder)
    assert done.returncode == 0, done.stderr
    again = timonel_here("train", "-c", folder / "timonel.yaml", "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    version = json.loads(project.ledger.decisions()[3].details)["version"]
    _, package = resolve(load_config(project.config), version)
    assert json.loads(again.stdout)["metrics"]["roc_auc"]["value"] == pytest.approx(
        package.manifest.metrics["roc_auc"]
    )


def test_what_does_not_match_fails(project: Project) -> None:
    """A record that names another package than the registry's is found; exit code 10."""
    _, made, begun, end = project.ledger.decisions()[:4]
    decision, start, details = (json.loads(one.details) for one in (made, begun, end))
    key = {"key": "0" * 16}
    entry = {"time": end.time, "kind": "retraining", "model": end.model, "version": end.version}
    one = project.ledger.decide(Decision(**entry, summary="forged", details={**decision, **key}))
    said = {**start, **key, "decision": one.hash}
    project.ledger.decide(Decision(**entry, summary="forged", details=said))
    forged = {**details, **key, "package_digest": "0" * 64}
    project.ledger.decide(Decision(**entry, summary="forged", details=forged))
    done = audit(project, one.seq)
    assert done.returncode == 10
    assert "differs     version" in done.stdout


def test_a_record_that_is_no_decision_is_refused(project: Project) -> None:
    """With the way to the list."""
    done = audit(project, 999)
    assert done.returncode == 1
    assert "timonel ledger log" in done.stderr
