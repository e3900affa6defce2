"""What the committed data of the ranking example promise."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts import script

FOLDER = Path(__file__).parents[2] / "examples" / "ranking"
SHIFT = pd.Timestamp("2025-10-01", tz="UTC")


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """The committed table."""
    return pq.read_table(FOLDER / "data.parquet").to_pandas()


def test_the_script_makes_the_committed_rows() -> None:
    """The seeded simulation gives data.parquet again, row by row."""
    made: pa.Table = script("examples/ranking/make_data.py").make_table()
    assert made.equals(pq.read_table(FOLDER / "data.parquet"))


def test_the_readme_states_the_true_counts(data: pd.DataFrame) -> None:
    """Rows, columns, days, listeners, shows and topics are those of the file."""
    first, last = data["followed_at"].min(), data["followed_at"].max()
    counts = data.nunique()
    stated = (
        f"{len(data):,} rows, {data.shape[1]} columns, {first:%Y-%m-%d} to {last:%Y-%m-%d},"
        f" {counts['listener']:,} listeners, {counts['show']} shows of {counts['topic']} topics"
    )
    assert stated in (FOLDER / "README.md").read_text()
    assert (FOLDER / "data.parquet").stat().st_size < 2_000_000


def test_keys_are_unique_and_nobody_follows_twice(data: pd.DataFrame) -> None:
    """One row an event, one event a listener and show, one topic a show, time in order, no nulls."""
    assert data["event_id"].is_unique
    assert not data.duplicated(["listener", "show"]).any()
    assert (data.groupby("show")["topic"].nunique() == 1).all()
    assert data["followed_at"].is_monotonic_increasing
    assert not data.isna().any().any()


def test_tastes_drift(data: pd.DataFrame) -> None:
    """Science wins and true crime loses its public in October 2025; a listener's topics change."""
    shares = data.groupby(data["followed_at"] >= SHIFT)["topic"].value_counts(normalize=True)
    assert shares[True]["science"] > 1.5 * shares[False]["science"]
    assert shares[True]["true crime"] < 0.5 * shares[False]["true crime"]
    old = data[(data["followed_at"] < SHIFT)]
    halves = (
        old.groupby("listener").cumcount() >= old.groupby("listener")["show"].transform("size") / 2
    )
    top = old.groupby(["listener", halves])["topic"].agg(lambda t: t.mode()[0]).unstack()
    assert np.mean(top[False] != top[True]) > 0.4
