"""A small real model to train, and one whose world changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from projects import make_project, write_slice
from served import Project
from turned import turned


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
    """What `timonel retrain --if-due --json` answers after the change."""
    done = changed.retrain("--if-due", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
