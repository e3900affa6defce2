"""A project whose concept changed while its champion served, for tests of retraining."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray
from pyarrow import parquet

from projects import make_project, timonel_here
from rollouts import Field, free_port, said, standing
from served import DAY, Project, log
from slices import slice_of
from timonel.config import load_config
from timonel_components.register import CHAMPION
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.rollout.promotion.aliases import LAST_KNOWN_GOOD, Aliases

SERVED = datetime(2024, 1, 1, tzinfo=UTC)
FAST = {"candidates": ["logistic"], "trials": 1}
ROWS, DAYS = 4000, 60
TURN = 40


def above_median(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Which values are; a missing one is not."""
    values = np.asarray(column.to_numpy(), dtype=np.float64)
    above: NDArray[np.bool_] = np.nan_to_num(values, nan=-np.inf) > np.nanmedian(values)
    return above


def table(start: datetime, seed: int, turn: int = DAYS) -> pa.Table:
    """Rows of 60 days, in no order of their own: the north is severe, from day `turn` on the warm."""
    rows = slice_of("accidents", ROWS)
    rows = rows.take(np.random.default_rng(seed).permutation(rows.num_rows))
    step = timedelta(days=DAYS) / rows.num_rows
    times = [start + i * step for i in range(rows.num_rows)]
    north, warm = (above_median(rows[name]) for name in ("start_lat", "temperature_f"))
    turned = np.arange(rows.num_rows) >= rows.num_rows * turn // DAYS
    noise = np.random.default_rng(0).random(rows.num_rows) < 0.1
    label = pa.array((np.where(turned, warm, north) ^ noise).astype(np.int64))
    rows = rows.set_column(rows.column_names.index("severe"), "severe", label)
    keys = pa.array(range(seed * ROWS * 2, seed * ROWS * 2 + rows.num_rows))
    rows = rows.set_column(rows.column_names.index("accident_id"), "accident_id", keys)
    at = rows.column_names.index("occurred_at")
    return rows.set_column(at, "occurred_at", pa.array(times, pa.timestamp("us", "UTC")))


def turned(folder: Path) -> Project:
    """A model trained on the old rule, whose log shows the new one from day 40 on."""
    before, after = table(SERVED - DAYS * DAY, 0), table(SERVED, 1, TURN)
    parquet.write_table(before, folder / "data.parquet")
    config = make_project(
        folder,
        folder / "data.parquet",
        train=FAST,
        data={"label_delay": "1d", "time_order": "sort"},
        retraining={"cooldown": "2d"},
    )
    assert timonel_here("train", "-c", config, "-q").returncode == 0
    found = Project(config)
    log(found, after)
    parquet.write_table(pa.concat_tables([before, after]), folder / "data.parquet")
    return found


@contextmanager
def released_behind_a_router(project: Project) -> Iterator[tuple[Project, Field]]:
    """The project with its champion behind a router, under load, and settings for hasty releases."""
    settings = yaml.safe_load(project.config.read_text())
    hasty = said(free_port())
    settings |= {name: hasty[name] for name in ("monitoring", "rollout", "release")}
    for part in ("monitor", "detector"):
        settings["monitoring"][part]["port"] = free_port()
    path = project.config.with_name("released.yaml")
    path.write_text(yaml.safe_dump(settings))
    features = [c.name for c in project.package.contract.features]
    rows = slice_of("accidents", ROWS).select(features).slice(0, 300).to_pylist()
    with standing(path, rows) as field:
        yield Project(path), field


def back_to_version_1(project: Project) -> None:
    """The champion is what it was before any release."""
    config = load_config(project.config)
    aliases = Aliases(Tracking(config), config.model.name)
    for alias in (CHAMPION, LAST_KNOWN_GOOD):
        aliases.pin(alias, "1")
