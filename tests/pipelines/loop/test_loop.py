"""Incidents from healthy to recovered: detected, explained, acted on by the command alone, and over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

from served import DAY, Project, log
from timonel.config import load_config
from timonel_components.register import CHAMPION
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.rollout.promotion.aliases import Aliases
from turned import DAYS, SERVED, table

BROKE, MENDED = 30, 42


def converted(rows: pa.Table, unit: float) -> pa.Table:
    """The latitude in another unit from day 30 to day 42; what came true is as it was."""
    place = rows.column_names.index("start_lat")
    n = rows.num_rows
    broken = (np.arange(n) >= n * BROKE // DAYS) & (np.arange(n) < n * MENDED // DAYS)
    values = rows["start_lat"].to_numpy()
    return rows.set_column(place, "start_lat", pa.array(np.where(broken, values * unit, values)))


def other_ledger(project: Project, folder: Path) -> Project:
    """The same model and registry, with a log of its own."""
    settings = yaml.safe_load(project.config.read_text())
    settings["storage"] = (settings.get("storage") or {}) | {"ledger": str(folder / "ledger")}
    path = project.config.with_name(f"{folder.name}.yaml")
    path.write_text(yaml.safe_dump(settings))
    return Project(path)


def on(day: int) -> str:
    """The moment as `--at` takes it."""
    return f"{SERVED + day * DAY:%Y-%m-%d}"


@pytest.fixture
def broken(changed: Project, tmp_path: Path) -> Project:
    """A log in which a feature's unit was another one for 12 days."""
    found = other_ledger(changed, tmp_path)
    log(found, converted(table(SERVED, 3), np.pi / 180))
    return found


def test_a_data_bug_is_vetoed_and_over_once_the_data_are_mended(broken: Project) -> None:
    """Exit code 30 with cause and feature while it lasts, nothing trained; 20 when it is mended."""
    before = broken.retrain("--if-due", "--at", on(BROKE))
    assert before.returncode == 20, before.stdout + before.stderr
    during = broken.retrain("--if-due", "--at", on(MENDED))
    assert during.returncode == 30, during.stdout + during.stderr
    assert "diagnosis data quality" in during.stdout
    assert "start_lat" in during.stdout
    after = broken.retrain("--if-due")
    assert after.returncode == 20, after.stdout + after.stderr
    assert "nothing asks for a retraining" in after.stdout
    answers = [r.summary for r in broken.ledger.decisions() if r.kind == "retraining"]
    assert len(answers) == 3
    assert broken.ledger.verify().whole


@pytest.fixture
def released(changed: Project, retrained: dict[str, Any]) -> Iterator[Project]:
    """The retrained version is champion and has served for 60 days; the alias goes back afterwards."""
    config = load_config(changed.config)
    aliases = Aliases(Tracking(config), config.model.name)
    version = str(retrained["done"]["version"])
    aliases.move(CHAMPION, "1", version)
    try:
        log(changed, table(SERVED + DAYS * DAY, 2, 0), version)
        yield changed
    finally:
        aliases.move(CHAMPION, version, "1")


def test_a_change_of_concept_is_retrained_and_over(
    retrained: dict[str, Any], released: Project
) -> None:
    """The challenger passed its gates against the champion, then the canary's judge, and took over without a
    failed request; once it serves, nothing is due any more.
    """
    assert retrained["diagnosis"]["cause"] == "concept_change"
    assert retrained["rollout"]["verdict"] == "promote"
    assert retrained["champion"] == retrained["done"]["version"]
    assert set(retrained["answers"]) == {200}
    gates = retrained["done"]["training"]["gates"]
    assert "superiority" in {gate["kind"] for gate in gates}
    assert all(gate["passed"] for gate in gates)
    done = released.retrain("--if-due", "--dry-run")
    assert done.returncode == 20, done.stdout + done.stderr
    assert "version 2" in done.stdout
    assert "nothing asks for a retraining" in done.stdout
