"""A small real model to train."""

from pathlib import Path

import pytest

from projects import make_project, write_slice


@pytest.fixture(scope="session")
def accidents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 3,000 real rows."""
    return write_slice(tmp_path_factory.mktemp("slice") / "data.parquet")


@pytest.fixture
def project(tmp_path: Path, accidents: Path) -> Path:
    """The timonel.yaml of a small project."""
    return make_project(tmp_path, accidents)
