"""Rows to learn from, to choose by and to judge by."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from slices import Settings, settings_of
from timonel.errors import BadInput
from timonel_components.data.splits import Splits
from timonel_components.split import split

BARE = {"time": None, "key": None, "categorical": []}


def test_the_newest_rows_are_the_test(accidents: pa.Table, settings: Settings) -> None:
    """Training ends before validation begins, and that before the test; no row is lost."""
    parts = split(accidents, settings())
    train, validation, test = (
        part["occurred_at"].to_pylist() for part in (parts.train, parts.validation, parts.test)
    )
    assert max(train) < min(validation) <= max(validation) < min(test)
    assert len(train) + len(validation) + len(test) == accidents.num_rows
    assert abs(len(test) - 0.2 * accidents.num_rows) <= 2
    assert parts.summary.train.end == max(train).isoformat()
    assert sum(parts.summary.test.classes.values()) == len(test)


def test_the_order_of_the_table_makes_no_difference(
    accidents: pa.Table, settings: Settings
) -> None:
    """A shuffled table is divided at the same instants."""
    rows = range(accidents.num_rows)
    mixed = accidents.take([*rows[1::2], *rows[::2]])
    assert split(mixed, settings()).summary == split(accidents, settings()).summary


@given(
    times=st.lists(st.integers(0, 12), min_size=12, max_size=80),
    embargo=st.integers(0, 3),
    share=st.sampled_from([0.1, 0.2, 0.4]),
)
@effort(max_examples=60, deadline=None)
def test_instants_are_whole_and_the_embargo_is_free(
    times: list[int], embargo: int, share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the ties: one instant is in one part, and no row lies within the embargo."""
    table = pa.table(
        {
            "occurred_at": pa.array([t * 86_400_000_000 for t in times]).cast(
                pa.timestamp("us", tz="UTC")
            ),
            "severe": [i % 2 for i in range(len(times))],
        }
    )
    config = settings_of(
        "accidents",
        Path("unused"),
        data={"key": None, "categorical": []},
        split={"embargo": f"{embargo}d", "validation": share, "test": share},
    )
    try:
        parts = split(table, config)
    except BadInput:
        return
    train, validation, test = (
        set(p["occurred_at"].to_pylist()) for p in (parts.train, parts.validation, parts.test)
    )
    gap = timedelta(days=embargo)
    assert min(validation) - max(train) >= max(gap, timedelta(microseconds=1))
    assert min(test) - max(validation) >= max(gap, timedelta(microseconds=1))
    kept = sum(p.num_rows for p in (parts.train, parts.validation, parts.test))
    assert kept + parts.summary.embargoed == len(times)


def test_the_label_delay_is_the_default_embargo(accidents: pa.Table, settings: Settings) -> None:
    """Rows whose labels were not known when the next part began are left out."""
    parts = split(accidents, settings(data={"label_delay": "7d"}))
    gap = min(parts.validation["occurred_at"].to_pylist()) - max(
        parts.train["occurred_at"].to_pylist()
    )
    assert gap >= timedelta(days=7)
    assert parts.summary.embargoed > 0


def test_an_embargo_that_eats_everything_is_explained(
    accidents: pa.Table, settings: Settings
) -> None:
    """An embargo longer than the history names the setting."""
    with pytest.raises(BadInput, match="an embargo of 2000d leaves no rows") as caught:
        split(accidents, settings(split={"embargo": "2000d"}))
    assert "split.embargo" in str(caught.value)


def test_whole_numbers_order_rows_but_measure_no_embargo(settings: Settings) -> None:
    """Years may be the time; an embargo of days needs dates."""
    table = pa.table(
        {
            "occurred_at": [2015 + i // 50 for i in range(200)],
            "severe": [i % 2 for i in range(200)],
        }
    )
    bare = {"key": None, "categorical": []}
    summary = split(table, settings(data=bare)).summary
    assert (summary.train.end, summary.validation.start, summary.test.start) == (
        "2016",
        "2017",
        "2018",
    )
    with pytest.raises(BadInput, match="needs dates or times"):
        split(table, settings(data=bare, split={"embargo": "1d"}))


def test_too_few_instants_are_explained(settings: Settings) -> None:
    """Two distinct times cannot make three parts."""
    table = pa.table({"occurred_at": [1] * 50 + [2] * 50, "severe": [0, 1] * 50})
    with pytest.raises(BadInput, match="has 2 distinct values"):
        split(table, settings(data={"key": None, "categorical": []}))


def test_a_part_without_a_class_is_explained(accidents: pa.Table, settings: Settings) -> None:
    """A class that never occurs in the newest rows names part, rows and class."""
    gone = pa.array(accidents["severe"].to_pylist()[:2000] + [0] * (accidents.num_rows - 2000))
    table = accidents.set_column(accidents.column_names.index("severe"), "severe", gone)
    with pytest.raises(BadInput, match=r"the test rows \(\d+ of .*\) hold no severe = 1"):
        split(table, settings())


def test_only_the_newest_training_rows_are_kept(accidents: pa.Table, settings: Settings) -> None:
    """train.max_rows cuts the oldest training rows and nothing else."""
    whole, cut = split(accidents, settings()), split(accidents, settings(train={"max_rows": 500}))
    assert cut.train.equals(whole.train.slice(whole.train.num_rows - 500))
    assert cut.validation.equals(whole.validation)
    assert cut.summary.beyond_max_rows == whole.train.num_rows - 500


def test_without_a_time_the_shares_of_the_classes_are_kept(
    accidents: pa.Table, settings: Settings
) -> None:
    """A seeded shuffle: the same seed the same rows, another seed others, the same share of classes."""
    first = split(accidents, settings(data=BARE))
    assert split(accidents, settings(data=BARE)).test.equals(first.test)
    other = split(accidents, settings(data=BARE, train={"seed": 1}))
    assert not other.test.equals(first.test)
    shares = [
        Counter(p["severe"].to_pylist())[1] / p.num_rows
        for p in (first.train, first.validation, first.test)
    ]
    assert max(shares) - min(shares) < 0.002
    ids = [
        i for p in (first.train, first.validation, first.test) for i in p["accident_id"].to_pylist()
    ]
    assert sorted(ids) == sorted(accidents["accident_id"].to_pylist())


def test_an_entity_is_never_in_two_parts(employment: pa.Table, settings: Settings) -> None:
    """Without a time, the rows of one household stay together."""
    table = employment.set_column(
        employment.column_names.index("household_id"),
        "household_id",
        pa.array([i % 400 for i in range(employment.num_rows)]),
    )
    parts = split(table, settings("employment", data={"time": None}))
    homes = [
        set(p["household_id"].to_pylist()) for p in (parts.train, parts.validation, parts.test)
    ]
    assert len(set.union(*homes)) == sum(map(len, homes))
    assert 0.15 < parts.test.num_rows / table.num_rows < 0.25


def test_a_split_survives_its_directory(
    accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """What is saved loads as the same rows and the same summary."""
    parts = split(accidents, settings())
    parts.save(tmp_path / "time=1" / "split")
    back = Splits.load(tmp_path / "time=1" / "split")
    assert back.summary == parts.summary
    assert back.train.equals(parts.train)
    assert back.test.equals(parts.test)
    with pytest.raises(BadInput, match="holds no split"):
        Splits.load(tmp_path)
