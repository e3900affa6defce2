"""Slices of the examples and settings that the tests share."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from slices import Settings, settings_of, slice_of
from timonel.config import Config


@pytest.fixture(scope="session")
def accidents() -> pa.Table:
    """3,000 real accident reports, in the order of time."""
    return slice_of("accidents", 3000)


@pytest.fixture(scope="session")
def employment() -> pa.Table:
    """3,000 real census answers: nearly all columns are categories."""
    return slice_of("employment", 3000)


@pytest.fixture(scope="session")
def spam() -> pa.Table:
    """600 real messages."""
    return slice_of("spam", 600)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Makes settings of an example, at home in the test's folder."""

    def make(example: str = "accidents", **changes: dict[str, Any]) -> Config:
        return settings_of(example, tmp_path, **changes)

    return make
