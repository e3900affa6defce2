"""`timonel retrain` on a real model and a real ledger: what is due is trained, and the chain says why."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyarrow import parquet

from projects import make_project, timonel_here
from served import DAY, Project, log
from slices import slice_of

SERVED = datetime(2024, 1, 1, tzinfo=UTC)
FAST = {"candidates": ["logistic"], "trials": 1}
ROWS, DAYS = 4000, 60
TURN = 40


def above_median(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Which values are; a missing one is not."""
    values = np.asarray(column.to_numpy(), dtype=np.float64)
    above: NDArray[np.bool_] = np.nan_to_num(values, nan=-np.inf) > np.nanmedian(values)
    return above


def table(turned: bool) -> pa.Table:
    """Rows of 60 days, in no order of their own: the north is severe, from day 40 on the warm."""
    rows = slice_of("accidents", ROWS)
    rows = rows.take(np.random.default_rng(int(turned)).permutation(rows.num_rows))
    start = SERVED - (0 if turned else DAYS) * DAY
    step = timedelta(days=DAYS) / rows.num_rows
    times = [start + i * step for i in range(rows.num_rows)]
    north, warm = (above_median(rows[name]) for name in ("start_lat", "temperature_f"))
    turn = turned & (np.arange(rows.num_rows) >= rows.num_rows * TURN // DAYS)
    noise = np.random.default_rng(0).random(rows.num_rows) < 0.1
    label = pa.array((np.where(turn, warm, north) ^ noise).astype(np.int64))
    rows = rows.set_column(rows.column_names.index("severe"), "severe", label)
    keys = pa.array(range(turned * ROWS * 2, turned * ROWS * 2 + rows.num_rows))
    rows = rows.set_column(rows.column_names.index("accident_id"), "accident_id", keys)
    at = rows.column_names.index("occurred_at")
    return rows.set_column(at, "occurred_at", pa.array(times, pa.timestamp("us", "UTC")))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A model trained on the old rule, whose log shows the new one from day 40 on."""
    folder = tmp_path_factory.mktemp("retrain")
    parquet.write_table(table(False), folder / "data.parquet")
    config = make_project(
        folder,
        folder / "data.parquet",
        train=FAST,
        data={"label_delay": "1d", "time_order": "sort"},
        retraining={"cooldown": "2d"},
    )
    assert timonel_here("train", "-c", config, "-q").returncode == 0
    found = Project(config)
    log(found, table(True))
    parquet.write_table(pa.concat_tables([table(False), table(True)]), folder / "data.parquet")
    return found


def test_before_the_change_nothing_is_due(project: Project) -> None:
    """Exit code 20, with the reason; a dry run writes nothing."""
    done = project.retrain("--if-due", "--dry-run", "--at", "2024-02-05")
    assert done.returncode == 20, done.stderr
    assert "nothing asks for a retraining" in done.stdout
    assert project.ledger.decisions() == []


def test_after_the_change_the_model_is_retrained_and_the_chain_says_why(project: Project) -> None:
    """Trigger, diagnosis, decision, run and version are linked; the rows after the change are learnt."""
    done = project.retrain("--if-due", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["decision"]["triggers"][0]["kind"] == "loss"
    assert found["done"]["version"] == "2"
    since = datetime.fromisoformat(found["done"]["window"]["since"])
    assert abs(since - (SERVED + TURN * DAY)) < 2 * DAY
    records = project.ledger.decisions()
    kinds = [(r.kind, json.loads(r.details).get("step")) for r in records]
    assert kinds == [
        ("diagnosis", None),
        ("retraining", "decided"),
        ("retraining", "started"),
        ("retraining", "ended"),
    ]
    told = [json.loads(r.details) for r in records]
    assert told[1]["diagnosis"]["hash"] == records[0].hash
    assert told[2]["decision"] == records[1].hash
    assert told[3]["key"] == told[1]["key"]
    assert told[3]["run"] == found["done"]["training"]["tracking_run"]
    assert told[3]["package_digest"] == found["done"]["training"]["package_digest"]
    assert project.ledger.verify().whole
