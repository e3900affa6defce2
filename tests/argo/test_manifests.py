"""manifests/argo: the templates keep a rollout safe, whatever else changes in them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ARGO = Path(__file__).resolve().parents[2] / "manifests/argo"
BASE = [
    one
    for file in ("rollout", "train", "schedules")
    for one in yaml.safe_load_all((ARGO / f"base/{file}.yaml").read_text())
]
TEMPLATES = {
    one["metadata"]["name"]: one["spec"] for one in BASE if one["kind"] == "WorkflowTemplate"
}
CRONS = {one["metadata"]["name"]: one["spec"] for one in BASE if one["kind"] == "CronWorkflow"}
CONTAINERS = [t for spec in TEMPLATES.values() for t in spec["templates"] if "container" in t]


@pytest.mark.parametrize("template", CONTAINERS, ids=lambda one: str(one["name"]))
def test_each_container_is_restricted_bounded_and_named(template: dict[str, Any]) -> None:
    """A command (no registry is asked for it), resources, and nothing that Pod Security refuses."""
    container = template["container"]
    assert container["command"]
    assert {"requests", "limits"} == set(container["resources"])
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_each_workflow_ends_and_is_cleaned_up(name: str) -> None:
    """A deadline, a time to live, pods collected, one at a time for each model, not as root."""
    spec = TEMPLATES[name]
    assert spec["activeDeadlineSeconds"] > 0
    assert spec["ttlStrategy"]["secondsAfterCompletion"] > 0
    assert spec["podGC"]
    assert "{{workflow.parameters.release}}" in spec["synchronization"]["mutexes"][0]["name"]
    assert spec["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("name", ["timonel-retrain", "timonel-compact"])
def test_a_schedule_starts_one_at_a_time_and_keeps_few(name: str) -> None:
    """None begins beside one that runs, old ones go, and account and mutex are the template's."""
    spec = CRONS[name]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["timezone"] == "UTC"
    assert 0 < spec["startingDeadlineSeconds"] < 24 * 3600
    assert {spec[f"{end}JobsHistoryLimit"] for end in ("successful", "failed")} <= set(range(1, 8))
    work = spec["workflowSpec"]
    assert set(work) == {"workflowTemplateRef", "entrypoint"}
    template = TEMPLATES[work["workflowTemplateRef"]["name"]]
    assert work["entrypoint"] in {one["name"] for one in template["templates"]}
    assert template["serviceAccountName"] == "jobs"


def test_what_runs_by_itself_has_no_right_but_to_report() -> None:
    """The account of the schedules may write its result for Argo, and read or change nothing else."""
    accounts = yaml.safe_load_all((ARGO / "base/accounts.yaml").read_text())
    bound = [
        a for a in accounts if {"kind": "ServiceAccount", "name": "jobs"} in a.get("subjects", [])
    ]
    assert [(a["kind"], a["roleRef"]["name"]) for a in bound] == [("RoleBinding", "jobs")]
    roles = yaml.safe_load_all((ARGO / "base/accounts.yaml").read_text())
    [role] = [a for a in roles if a["kind"] == "Role" and a["metadata"]["name"] == "jobs"]
    assert role["rules"] == [
        {
            "apiGroups": ["argoproj.io"],
            "resources": ["workflowtaskresults"],
            "verbs": ["create", "patch"],
        }
    ]


def test_a_rollout_always_settles() -> None:
    """The exit handler is the step that leaves one serving version."""
    spec = TEMPLATES["timonel-rollout"]
    steps = {one["name"]: one for one in spec["templates"]}
    [[settle]] = steps[spec["onExit"]]["steps"]
    assert settle["arguments"]["parameters"] == [{"name": "step", "value": "settle"}]


def test_nobody_approves_by_silence() -> None:
    """A suspended step with a duration goes on as if somebody had said yes: the approval has none."""
    steps = {one["name"]: one for one in TEMPLATES["timonel-rollout"]["templates"]}
    assert steps["approve"]["suspend"] == {}


def test_the_loop_is_bounded() -> None:
    """Each further round asks for the number of rounds, and the last one withdraws the canary."""
    follow = next(t for t in TEMPLATES["timonel-rollout"]["templates"] if t["name"] == "follow")
    last = {one["name"]: one for one in follow["steps"][-1]}
    rounds = "{{inputs.parameters.round}} %s {{workflow.parameters.rounds}}"
    assert rounds % "<" in last["again"]["when"]
    assert rounds % ">=" in last["late"]["when"]
    assert last["late"]["template"] == "withdraw"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders kustomizations")
def test_the_example_names_its_own_account_everywhere() -> None:
    """The prefix reaches the accounts inside Argo's objects, and the template of the schedules."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(ARGO / "example")], check=True, capture_output=True, text=True
    )
    made = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout)}
    for one in made.values():
        if one["kind"] == "WorkflowTemplate":
            assert ("ServiceAccount", one["spec"]["serviceAccountName"]) in made
        if one["kind"] == "CronWorkflow":
            name = one["spec"]["workflowSpec"]["workflowTemplateRef"]["name"]
            assert ("WorkflowTemplate", name) in made
    patched = yaml.safe_load((ARGO / "example/kustomization.yaml").read_text())["patches"]
    shown = {
        one["target"].get("name") for one in patched if one["target"]["kind"] == "CronWorkflow"
    }
    assert shown == set(CRONS)
