"""A small real model to train, and one whose world changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from projects import make_project, timonel_here, write_slice
from served import Project
from turned import back_to_version_1, released_behind_a_router, turned


@pytest.fixture(scope="session")
def accidents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 3,000 real rows."""
    return write_slice(tmp_path_factory.mktemp("slice") / "data.parquet")


@pytest.fixture
def project(tmp_path: Path, accidents: Path) -> Path:
    """The timonel.yaml of a small project."""
    return make_project(tmp_path, accidents)


@pytest.fixture(scope="session")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A model whose log shows another rule from day 40 on; no test may leave it other than it was."""
    return turned(tmp_path_factory.mktemp("turned"))


@pytest.fixture(scope="session")
def retrained(changed: Project) -> dict[str, Any]:
    """What `timonel retrain --if-due --release --json` answers after the change, while version 1 serves
    behind the router: the decision, what was done, and under `rollout` how the release ended; and the
    audit of it all.
    """
    with released_behind_a_router(changed) as (project, field):
        done = project.retrain("--if-due", "--release", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        answer, rollout = map(json.loads, done.stdout.splitlines())
        found: dict[str, Any] = answer | {"rollout": rollout, "answers": dict(field.load.answers)}
        found["champion"] = field.champion()
        audit = ("audit", "-c", project.config, "--decision", str(project.decided), "--json")
        found["audit"] = json.loads(timonel_here(*audit).stdout)["links"]
        back_to_version_1(project)
        return found
