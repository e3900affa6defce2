"""`timonel retrain` where no label tells anything yet: the estimate and the inputs ask together."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from served import Project, log
from turned import DAYS, SERVED, above_median, table

MOVED = 46
"""The day from which on all comes from where the model is unsure; labels of it have not arrived."""


def served(moved: bool) -> pa.Table:
    """Rows of 60 days by the old rule; if `moved`, from that day on warm ones from near the border alone."""
    rows = table(SERVED, 2)
    late = rows.num_rows * MOVED // DAYS
    latitude = np.asarray(rows["start_lat"], dtype=float)
    near = np.abs(latitude - np.nanmedian(latitude))
    near = near < np.nanquantile(near, 0.15)
    pool = np.flatnonzero(near & above_median(rows["temperature_f"]))
    rng = np.random.default_rng(0)
    drawn = rng.choice(pool, rows.num_rows - late)
    other = rows.take(np.concatenate([np.arange(late), drawn])) if moved else rows
    for name in ("start_lat", "start_lng"):  # a row drawn twice is another accident
        apart = np.asarray(other[name], dtype=float) + rng.normal(0, 0.02, rows.num_rows)
        other = other.set_column(other.column_names.index(name), name, pa.array(apart))
    for name in ("accident_id", "occurred_at"):
        other = other.set_column(other.column_names.index(name), name, rows[name])
    return other


def project(changed: Project, folder: Path, moved: bool) -> Project:
    """The model of another test, with a log of its own."""
    settings = yaml.safe_load(changed.config.read_text())
    settings["storage"] = {**settings.get("storage", {}), "ledger": str(folder)}
    config = changed.config.parent / f"{folder.name}.yaml"
    config.write_text(yaml.safe_dump(settings))
    found = Project(config)
    rows = served(moved)
    log(found, rows, labelled=rows.num_rows * MOVED // DAYS)
    return found


@pytest.mark.parametrize("moved", [True, False])
def test_a_fallen_estimate_with_material_drift_asks_for_a_retraining(
    changed: Project, tmp_path: Path, moved: bool
) -> None:
    """The trigger names both, with their figures; the same log at rest asks for nothing."""
    done = project(changed, tmp_path, moved).retrain("--if-due", "--dry-run", "--json")
    found = json.loads(done.stdout)["decision"]
    assert [one["kind"] for one in found["triggers"]] == (["estimate"] if moved else [])
