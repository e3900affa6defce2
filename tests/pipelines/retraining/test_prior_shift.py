"""`timonel retrain` where only the shares of the classes moved: a version without a training."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from projects import make_project, timonel_here
from served import DAY, Project, log
from slices import slice_of
from timonel.config import load_config
from timonel_components.registry import resolve
from timonel_components.tracking.runs import Tracking

SERVED = datetime(2024, 1, 1, tzinfo=UTC)
ROWS, DAYS, TURN = 4000, 60, 35
SETTINGS = {
    "train": {"candidates": ["logistic"], "trials": 1},
    "data": {"label_delay": "1d", "time_order": "sort"},
    "evaluation": {"gates": [], "slices": ["twilight"]},
}


def table(start: datetime, rare: bool, seed: int) -> pa.Table:
    """Severe accidents happen in the north nearly always, the others 4 times out of 10; if `rare`, from
    day 35 on few are severe.
    """
    rng = np.random.default_rng(seed)
    rows = slice_of("accidents", ROWS)
    rows = rows.take(rng.permutation(rows.num_rows))
    n = rows.num_rows
    share = np.where((np.arange(n) >= n * TURN // DAYS) & rare, 0.1, 0.5)
    severe = rng.random(n) < share
    north = rng.random(n) < np.where(severe, 0.95, 0.4)
    latitude = np.where(north, 45.0, 33.0) + rng.normal(0, 1, n)
    columns = {
        "severe": pa.array(severe.astype(np.int64)),
        "start_lat": pa.array(latitude),
        "accident_id": pa.array(range(seed * 10 * n, (seed * 10 + 1) * n)),
        "occurred_at": pa.array(
            [start + i * timedelta(days=DAYS) / n for i in range(n)], pa.timestamp("us", "UTC")
        ),
    }
    for name, values in columns.items():
        rows = rows.set_column(rows.column_names.index(name), name, values)
    return rows


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A model trained where half the accidents are severe, whose log shows them becoming rare."""
    folder = tmp_path_factory.mktemp("prior")
    parquet.write_table(table(SERVED - DAYS * DAY, False, 0), folder / "data.parquet")
    config = make_project(folder, folder / "data.parquet", **SETTINGS)
    assert timonel_here("train", "-c", config, "-q").returncode == 0
    found = Project(config)
    log(found, table(SERVED, True, 1))
    return found


def test_a_prior_shift_recalibrates_the_champion(project: Project) -> None:
    """A new version behind `challenger`, its lineage in the package, in MLflow and in the chain."""
    done = project.retrain("--if-due", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["decision"]["answer"] == "recalibrate"
    assert found["done"]["version"] == "2"
    assert found["done"]["change"]["1"] < -1
    config = load_config(project.config)
    number, package = resolve(config, "challenger")
    derived = package.manifest.origin.derived
    assert number == 2
    assert derived is not None
    assert (derived.version, derived.digest) == ("1", project.package.digest)
    assert package.manifest.threshold == project.package.manifest.threshold
    run = Tracking(config).call("get_run", package.manifest.origin.run_id)
    assert run.data.tags["timonel.derived.labels_digest"] == derived.labels_digest
    ended = json.loads(project.ledger.decisions()[-1].details)
    assert ended["package_digest"] == package.digest
    assert ended["gates"][0]["kind"] == "superiority"
    assert ended["gates"][0]["verdict"] == "holds"
    assert project.ledger.verify().whole


def test_a_version_that_fails_its_gates_moves_no_alias(project: Project) -> None:
    """Exit code 10, the failed gate in words, and the challenger is who it was."""
    text = project.config.read_text()
    assert "gates: []" in text
    project.config.write_text(text.replace("gates: []", "gates: [{metric: brier, at_most: 0.0}]"))
    before = resolve(load_config(project.config), "challenger")[0]
    done = project.retrain("--at", "2024-03-20")
    project.config.write_text(text)
    assert done.returncode == 10, done.stdout + done.stderr
    assert "failed its gates: brier" in done.stdout
    assert resolve(load_config(project.config), "challenger")[0] == before
