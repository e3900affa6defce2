"""A version that was bad from its first day: held against the one before it, and rolled back."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from served import DAY, Project, log
from timonel.config import load_config
from timonel_components.register import CHAMPION
from timonel_components.registry import resolve
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.retraining.former import Compared, compare
from timonel_pipelines.rollout.promotion.aliases import LAST_KNOWN_GOOD, Aliases
from turned import DAYS, SERVED, table

DEPLOYED, NOW = 30, 40


@pytest.fixture
def deployed(changed: Project, retrained: dict[str, Any], tmp_path: Path) -> Iterator[Project]:
    """Another rule than version 2 learnt holds all the time; it follows version 1 on day 30."""
    settings = yaml.safe_load(changed.config.read_text())
    settings["storage"] = (settings.get("storage") or {}) | {"ledger": str(tmp_path / "ledger")}
    path = changed.config.with_name("deployed.yaml")
    path.write_text(yaml.safe_dump(settings))
    found, config = Project(path), load_config(path)
    aliases = Aliases(Tracking(config), config.model.name)
    rows = table(SERVED, 5)
    first, last = (rows.num_rows * day // DAYS for day in (DEPLOYED, NOW))
    log(found, rows.slice(0, first), "1")
    aliases.move(CHAMPION, "1", retrained["done"]["version"])
    aliases.pin(LAST_KNOWN_GOOD, "1")
    try:
        log(found, rows.slice(first, last - first), retrained["done"]["version"])
        yield found
    finally:
        aliases.pin(CHAMPION, "1")


def test_a_bad_deploy_is_rolled_back(deployed: Project) -> None:
    """The former version, on the same rows, loses less: the alias goes back, nothing is trained."""
    done = deployed.retrain("--if-due", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["version"] == "2"
    assert found["diagnosis"]["cause"] == "deploy"
    assert found["decision"]["answer"] == "roll_back"
    assert found["done"]["training"] is None
    assert resolve(load_config(deployed.config), CHAMPION)[0] == 1
    assert json.loads(deployed.ledger.decisions()[-1].details)["version"] == "1"
    assert deployed.ledger.verify().whole


def test_a_young_version_is_held_against_the_one_before_it() -> None:
    """An old one, and one whose former version is not known, against its own days before the alarm."""
    now = datetime(2026, 3, 31)
    young, old = now - 10 * DAY, now - 60 * DAY
    assert compare(young, None, now, former=True) == Compared(young - 90 * DAY, young, True)
    assert compare(old, old + timedelta(hours=1), now, former=True) == Compared(
        old - 90 * DAY, old, True
    )
    assert compare(old, None, now, former=True) == Compared(old, now - 14 * DAY, False)
    assert compare(old, now - 2 * DAY, now, former=True) == Compared(old, now - 2 * DAY, False)
    assert compare(young, None, now, former=False) is None
    assert compare(None, None, now, former=True) is None
