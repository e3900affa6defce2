"""The rows that a retraining may choose from, on real rows."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from slices import Settings
from timonel.config import Candidate
from timonel.terms import Window
from timonel_components.retraining.window import choose


def test_a_change_too_young_to_part_its_rows_leaves_all_rows_only(
    accidents: pa.Table, tmp_path: Path, settings: Settings
) -> None:
    """With labels that take 30 days, 60 days give no training, validation and test of their own; years do."""
    path = tmp_path / "data.parquet"
    parquet.write_table(accidents, path)
    config = settings(data={"source": str(path), "label_delay": "30d"})
    newest = pc.max(accidents["occurred_at"]).as_py()
    young, old = (
        choose(config, Candidate.LOGISTIC, newest - timedelta(days=days)) for days in (60, 730)
    )
    assert set(young.losses) == {Window.ALL}
    assert set(old.losses) == set(Window) - {Window.CHOOSE}
