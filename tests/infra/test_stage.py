"""A stage is data; what does not fit is refused by name."""

from __future__ import annotations

import pytest
import yaml
from pydantic import ValidationError

from timonel_infra.stage import STAGES, Stage, read_stage, stage_names


def test_the_committed_stages_are_read() -> None:
    """dev and prod are there and each file bears its stage's name."""
    assert stage_names() == ["dev", "prod"]
    assert [read_stage(name).name for name in stage_names()] == stage_names()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("region2",), "x", "region2"),
        (("network", "zones"), ["eu-west-1a"], "zones"),
        (("github", "repository"), "*", "repository"),
        (("github", "environment"), "*", "environment"),
        (("cluster", "workloads", 0, "reads"), ["everything"], "reads"),
        (("database", "backup_days"), 0, "backup_days"),
        (("budget_usd",), 0, "budget_usd"),
    ],
)
def test_what_does_not_fit_is_refused(path: tuple, value: object, said: str) -> None:
    """An unknown key, too few zones, a pattern as repository, no backups: the message names the key."""
    raw = yaml.safe_load((STAGES / "dev.yaml").read_text())
    place = raw
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ValidationError, match=said):
        Stage.model_validate(raw)
