"""The workflows: valid, least privilege, pinned, and calling nothing but what people run too."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
NAMES = [file.name for file in WORKFLOWS]
TOOLS = [Path(sys.executable).parent, ROOT / ".venv/infra/bin"]


def _tool(name: str) -> str:
    found = [place / name for place in TOOLS if (place / name).exists()]
    if not found:
        pytest.skip(f"{name} is in the venv of make test-infra")
    return str(found[0])


def _jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in WORKFLOWS:
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            yield f"{file.name}/{name}", job


def _steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in _jobs():
        for step in job.get("steps", []):
            yield name, step


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", "workflows/*.yml"),
        ("vendor.github-actions", "actions/*/action.yml"),
        ("vendor.dependabot", "dependabot.yml"),
    ],
)
def test_files_fit_githubs_schemas(schema: str, files: str) -> None:
    """GitHub would accept each file."""
    found = [str(file) for file in (ROOT / ".github").glob(files)]
    assert found
    run = [_tool("check-jsonschema"), "--builtin-schema", schema, *found]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing() -> None:
    """No injection, no credential left behind, no cache to poison, by zizmor's strictest persona."""
    run = [_tool("zizmor"), "--offline", "--persona", "auditor", "--no-progress", ".github"]
    done = subprocess.run(run, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_rights_are_given_job_by_job() -> None:
    """A workflow has no rights; each job names its own and ends by itself."""
    for file in WORKFLOWS:
        assert yaml.safe_load(file.read_text())["permissions"] == {}, file.name
    for name, job in _jobs():
        assert "permissions" in job, name
        assert job["timeout-minutes"] <= 360, name


def test_actions_are_pinned_by_commit_and_say_their_version() -> None:
    """A tag can be moved, a commit cannot; the same action is the same commit everywhere."""
    pins: dict[str, set[str]] = {}
    for file in [*WORKFLOWS, *(ROOT / ".github/actions").glob("*/action.yml")]:
        for line in file.read_text().splitlines():
            used = re.match(r"\s*(?:- )?uses: (\S+)(.*)", line)
            if used and not used[1].startswith("./"):
                action, _, commit = used[1].partition("@")
                assert re.fullmatch(r"[0-9a-f]{40}", commit), line
                assert re.fullmatch(r" # v\d+\.\d+\.\d+", used[2]), line
                pins.setdefault(action, set()).add(commit)
    assert [action for action, commits in pins.items() if len(commits) > 1] == []


def test_scripts_get_untrusted_text_by_environment_only() -> None:
    """No expression stands in a script: what an input says is never run."""
    for name, step in _steps():
        assert "${{" not in step.get("run", ""), name


def test_workflows_run_what_people_run() -> None:
    """Each make target and each script that a workflow calls is there."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    chart_is_here = (ROOT / "helm/timonel/Chart.yaml").exists()
    for name, step in _steps():
        run = step.get("run", "")
        if name in ("ci.yml/cluster", "ci.yml/chart") and not chart_is_here:
            continue
        for target in re.findall(r"\bmake (?:-C \S+ )?([a-z-]+)", run):
            assert target in targets, f"{name}: make {target}"
        for script in re.findall(
            r"(?:timonel-source/)?((?:scripts|infra)/[\w./-]+\.(?:sh|py))", run
        ):
            assert (ROOT / script).exists(), f"{name}: {script}"


def test_train_and_release_are_called_as_they_are_dispatched() -> None:
    """What a person may set by hand, a calling repository may set too, and the other way round."""
    for name in ("train.yml", "release.yml"):
        read = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
        on = read[True]  # YAML 1.1 reads `on` as true
        assert on["workflow_dispatch"]["inputs"] == on["workflow_call"]["inputs"], name
        assert all(one["description"] for one in on["workflow_call"]["inputs"].values()), name


def test_who_releases_needs_an_environment_and_waits_for_the_other() -> None:
    """A release stands behind an environment's rules, one at a time a model, and is not cut short."""
    read = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    assert read["jobs"]["release"]["environment"] == "${{ inputs.environment }}"
    assert read["concurrency"]["cancel-in-progress"] is False
    assert "inputs.release" in read["concurrency"]["group"]
