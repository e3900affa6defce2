"""Answers of a real API server (Kubernetes 1.35, KServe 0.20), cut to what the checks read, all well."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from timonel_pipelines.cluster.answers import Answer, Facts

Examined = Callable[..., Facts]


@pytest.fixture(scope="session")
def recorded() -> dict[str, Any]:
    """As they were recorded."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "answers.json").read_text())
    return found


@pytest.fixture
def facts(recorded: dict[str, Any]) -> Examined:
    """The recorded answers, some of them replaced."""

    def made(**replaced: Answer) -> Facts:
        answers = {name: Answer(**one) for name, one in recorded["answers"].items()}
        given = {name.replace("__", ":"): one for name, one in replaced.items()}
        return Facts("models", datetime.fromisoformat(recorded["now"]), answers | given)

    return made
