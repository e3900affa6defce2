"""The table that is played."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from played import START, world
from timonel.backtest import History
from timonel.errors import BadInput

UTC_US = pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize("delay", [timedelta(0), timedelta(hours=5), timedelta(days=3)])
def test_a_row_is_known_when_it_has_happened_and_its_label_has_arrived(delay: timedelta) -> None:
    """Neither a row of the future nor a label that is under way is ever known."""
    history = world(10, 24, 1, delay)
    for hours in (0, 1, 30, 100, 239, 1000):
        now = START + timedelta(hours=hours)
        known = history.known_by(now)
        happened = [START + timedelta(hours=i) for i in range(len(history))]
        expected = [t < now and t + delay <= now for t in happened]
        assert known == sum(expected)
        assert all(expected[:known])


def test_a_table_without_its_time_column_is_refused() -> None:
    """The message names the setting and the columns that there are."""
    table = pa.table({"x": [1.0]})
    for time, said in (("t", "no column t"), (None, "data.time is not set")):
        with pytest.raises(BadInput, match=said) as error:
            History.of(table, time=time, label=np.zeros(1, dtype=np.intp), classes=(0, 1))
        assert "x" in str(error.value)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array([1, 2, 3]), "expected dates or times"),
        (pa.array([datetime(2024, 1, 1, tzinfo=UTC), None, None], UTC_US), "empty in 2 rows"),
        (
            pa.array([datetime(2024, 1, d, tzinfo=UTC) for d in (1, 3, 2)], UTC_US),
            "row 2: 2024-01-02",
        ),
    ],
)
def test_times_that_cannot_be_played_are_refused(column: pa.Array, said: str) -> None:
    """Whole numbers have no calendar, a missing time no place, and time does not go back."""
    with pytest.raises(BadInput, match=said):
        History.of(
            pa.table({"t": column}), time="t", label=np.zeros(3, dtype=np.intp), classes=(0, 1)
        )


def test_dates_and_times_without_a_zone_are_utc() -> None:
    """A date is its midnight."""
    naive = pa.array([datetime(2024, 1, 1), datetime(2024, 1, 2)])
    dates = naive.cast(pa.date32())
    label = np.zeros(2, dtype=np.intp)
    for column in (naive, dates):
        history = History.of(pa.table({"t": column}), time="t", label=label, classes=(0, 1))
        assert history.known_by(datetime(2024, 1, 2, tzinfo=UTC)) == 1
