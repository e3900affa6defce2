"""What the committed data of the examples promise."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
LARGEST_FILE = 8_000_000
INSTANT = pa.timestamp("us", tz="UTC")
CENSUS_CODES = "SCHL MAR RELP DIS ESP CIT MIG MIL ANC NATIVITY DEAR DEYE DREM SEX RAC1P"


@dataclass(frozen=True)
class Promise:
    """What one example's data.parquet holds."""

    name: str
    key: str
    time: str
    target: str
    rate: tuple[float, float]
    years: tuple[int, int]
    schema: dict[str, pa.DataType]
    nullable: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the example lives."""
        return EXAMPLES / self.name

    def read(self) -> pa.Table:
        """The committed table."""
        return pq.read_table(self.folder / "data.parquet")


def columns(
    integers: str = "", floats: str = "", texts: str = "", times: str = ""
) -> dict[str, Any]:
    """Column types by name, each kind given as one string of names."""
    kinds = ((integers, pa.int64()), (floats, pa.float64()), (texts, pa.string()), (times, INSTANT))
    return {name: kind for names, kind in kinds for name in names.split()}


ACCIDENTS = Promise(
    name="accidents",
    key="accident_id",
    time="occurred_at",
    target="severe",
    rate=(0.20, 0.22),
    years=(2016, 2021),
    schema=columns(
        integers="accident_id day_of_week severe",
        floats="start_lat start_lng distance_mi temperature_f humidity_pct visibility_mi",
        texts="twilight season",
        times="occurred_at",
    ),
    nullable=("temperature_f", "humidity_pct", "visibility_mi"),
)
EMPLOYMENT = Promise(
    name="employment",
    key="person_id",
    time="interviewed_at",
    target="employed",
    rate=(0.49, 0.51),
    years=(2015, 2018),
    schema=columns(
        integers="person_id household_id AGEP employed",
        texts=CENSUS_CODES,
        times="interviewed_at",
    ),
)
SPAM = Promise(
    name="spam",
    key="message_id",
    time="received_at",
    target="is_spam",
    rate=(0.29, 0.32),
    years=(2001, 2002),
    schema=columns(
        integers="characters is_spam", texts="message_id content_type text", times="received_at"
    ),
)
FRAUD = Promise(
    name="fraud",
    key="transaction_id",
    time="timestamp",
    target="is_fraud",
    rate=(0.005, 0.010),
    years=(2025, 2025),
    schema=columns(
        integers="transaction_id customer_id terminal_id is_foreign card_age_days hour weekday"
        " is_weekend is_night customer_count_1d customer_count_7d customer_count_30d"
        " terminal_count_28d is_fraud",
        floats="amount distance_km customer_age customer_mean_amount_1d customer_mean_amount_7d"
        " customer_mean_amount_30d amount_to_mean_30d terminal_fraud_rate_28d",
        texts="merchant_category channel country device_system",
        times="timestamp label_time",
    ),
    nullable=(
        "distance_km",
        "customer_age",
        "device_system",
        "customer_mean_amount_1d",
        "customer_mean_amount_7d",
        "customer_mean_amount_30d",
        "amount_to_mean_30d",
        "terminal_fraud_rate_28d",
    ),
)
ALL = [ACCIDENTS, EMPLOYMENT, SPAM, FRAUD]
each_example = pytest.mark.parametrize("promise", ALL, ids=lambda promise: promise.name)


@each_example
def test_schema_is_as_promised(promise: Promise) -> None:
    """Columns and types are those promised, and only the named columns hold nulls."""
    table = promise.read()
    assert dict(zip(table.schema.names, table.schema.types, strict=True)) == promise.schema
    with_nulls = {name for name in table.schema.names if table[name].null_count}
    assert with_nulls == set(promise.nullable)


@each_example
def test_readme_states_the_true_counts(promise: Promise) -> None:
    """The README names the file's rows, columns, first and last day and positive rate."""
    table, readme = promise.read(), (promise.folder / "README.md").read_text(encoding="utf-8")
    first, last = table[promise.time][0].as_py(), table[promise.time][-1].as_py()
    percent = 100 * pc.mean(table[promise.target]).as_py()
    stated = (
        f"{table.num_rows:,} rows, {table.num_columns} columns, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    )
    assert stated in readme
    assert f"{percent:.1f} % " in readme or f"{percent:.2f} % " in readme


@each_example
def test_key_is_unique_and_time_in_order(promise: Promise) -> None:
    """No two rows share a key, and time never runs backwards."""
    table = promise.read()
    assert pc.count_distinct(table[promise.key]).as_py() == table.num_rows
    times = table[promise.time].to_numpy()
    assert (times[1:] >= times[:-1]).all()
    first, last = promise.years
    years = pc.unique(pc.year(table[promise.time])).to_pylist()
    assert min(years) == first
    assert max(years) == last


@each_example
def test_target_is_binary_at_the_stated_rate(promise: Promise) -> None:
    """The target is 0 or 1 and its mean lies in the promised band."""
    target = promise.read()[promise.target]
    assert sorted(pc.unique(target).to_pylist()) == [0, 1]
    low, high = promise.rate
    assert low <= pc.mean(target).as_py() <= high


@each_example
def test_data_file_is_small_enough_for_git(promise: Promise) -> None:
    """Each data.parquet stays under 8 MB."""
    assert (promise.folder / "data.parquet").stat().st_size < LARGEST_FILE


def test_accidents_agree_with_their_season_and_weekday() -> None:
    """The made-up part of the timestamp contradicts neither season nor weekday nor daylight."""
    data = ACCIDENTS.read().to_pandas()
    times = data["occurred_at"].dt
    seasons = ["winter", "spring", "summer", "autumn"]
    assert (times.weekday == data["day_of_week"]).all()
    assert ((times.month % 12 // 3).map(seasons.__getitem__) == data["season"]).all()
    assert (times.hour.between(6, 19) == (data["twilight"] == "Day")).all()


def test_accidents_become_less_severe_from_2018_on() -> None:
    """The drift that the example is there for: the severe share falls each year after 2018."""
    data = ACCIDENTS.read().to_pandas()
    rates = data.groupby(data["occurred_at"].dt.year)["severe"].mean()
    assert rates[2018] > rates[2019] > rates[2020] > rates[2021]
    assert rates[2018] > 10 * rates[2021]


def test_households_are_interviewed_at_one_time() -> None:
    """People of one household share their timestamp, and so their side of any time split."""
    data = EMPLOYMENT.read().to_pandas()
    assert (data.groupby("household_id")["interviewed_at"].nunique() == 1).all()


def test_no_drift_is_invented_within_a_year_of_employment() -> None:
    """Group quarters, listed first or last in some source years, are spread over every quarter."""
    data = EMPLOYMENT.read().to_pandas()
    times = data["interviewed_at"].dt
    group_quarters = data["RELP"].isin(["16", "17"])
    share = group_quarters.groupby([times.year, times.quarter]).mean()
    assert share.between(0.06, 0.09).all()


def test_mail_is_bounded_and_names_no_address() -> None:
    """No text is longer than 4,000 characters, empty, repeated or shows an e-mail address."""
    text = SPAM.read()["text"]
    lengths = pc.utf8_length(text)
    assert pc.max(lengths).as_py() <= 4_000
    assert pc.min(lengths).as_py() > 0
    assert pc.count_distinct(text).as_py() == len(text)
    assert not pc.any(pc.match_substring_regex(text, r"\w@\w")).as_py()


def test_fraud_labels_arrive_seven_days_later() -> None:
    """label_time is seven days after each payment."""
    table = FRAUD.read()
    waits = pc.unique(pc.subtract(table["label_time"], table["timestamp"])).to_pylist()
    assert waits == [timedelta(days=7)]


def test_terminal_fraud_rate_knows_no_label_early() -> None:
    """The rate equals the one counted from labels that had arrived by the time of the payment."""
    data = FRAUD.read().to_pandas()
    settled = data[data["timestamp"] >= datetime(2025, 3, 8, tzinfo=UTC)]
    for row in settled.iloc[:: len(settled) // 50].itertuples():
        same = data[data["terminal_id"] == row.terminal_id]
        arrived = same[same["label_time"] <= row.timestamp]
        window = arrived[arrived["timestamp"] >= row.timestamp - timedelta(days=35)]
        assert len(window) == row.terminal_count_28d
        if len(window):
            expected = window["is_fraud"].mean()
            assert row.terminal_fraud_rate_28d == pytest.approx(expected, abs=1e-4)


def test_customer_history_holds_earlier_payments_only() -> None:
    """Count and mean over 30 days equal those of the customer's strictly earlier payments."""
    data = FRAUD.read().to_pandas()
    settled = data[data["timestamp"] >= datetime(2025, 3, 8, tzinfo=UTC)]
    for row in settled.iloc[:: len(settled) // 50].itertuples():
        same = data[data["customer_id"] == row.customer_id]
        age = row.timestamp - same["timestamp"]
        window = same[(age > timedelta(0)) & (age <= timedelta(days=30))]
        assert len(window) == row.customer_count_30d
        if len(window):
            expected = window["amount"].mean()
            assert row.customer_mean_amount_30d == pytest.approx(expected, abs=0.006)


def test_fraud_script_reproduces_the_committed_rows(tmp_path: Path) -> None:
    """Run again with its seed, the script writes exactly the committed contents."""
    again = tmp_path / "again.parquet"
    script = FRAUD.folder / "make_data.py"
    subprocess.run([sys.executable, str(script), str(again)], check=True, timeout=60)
    assert pq.read_table(again).equals(FRAUD.read())
