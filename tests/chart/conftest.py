"""Helm, where it is."""

import shutil

import pytest

from charts import Chart


@pytest.fixture(scope="session")
def chart() -> Chart:
    """Helm and the chart."""
    if shutil.which("helm") is None:
        pytest.skip("needs helm")
    return Chart()
