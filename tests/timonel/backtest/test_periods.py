"""The calendar of a backtest."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from timonel.backtest.periods import cut, instant, moment, parse_span, written_span
from timonel.errors import BadInput


def day(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2024, month, day, hour, tzinfo=UTC)


def at(*moments: datetime) -> np.ndarray:
    return np.array([instant(m) for m in moments], dtype=np.int64)


def test_weeks_begin_on_monday() -> None:
    """7d is the calendar week, wherever the first training ends."""
    periods = cut(at(day(1, 1), day(1, 10), day(1, 22)), day(1, 3), parse_span("week"))
    assert [p.start for p in periods] == [day(1, 8), day(1, 15), day(1, 22)]
    assert all(p.start.weekday() == 0 and p.end - p.start == timedelta(days=7) for p in periods)
    assert parse_span("week") == parse_span("7d") == timedelta(days=7)


def test_months_are_those_of_the_calendar() -> None:
    """A month has as many days as it has."""
    periods = cut(at(day(1, 1), day(2, 10), day(4, 1)), day(2, 1), parse_span("month"))
    assert [(p.start, p.end) for p in periods] == [
        (day(2, 1), day(3, 1)),
        (day(3, 1), day(4, 1)),
        (day(4, 1), day(5, 1)),
    ]


def test_every_row_is_in_one_period_and_an_empty_one_is_kept() -> None:
    """The start belongs to a period, the end to the next; a week without rows is one of them."""
    times = at(day(1, 1), day(1, 8), day(1, 14, 23), day(1, 29))
    periods = cut(times, day(1, 2), parse_span("week"))
    assert [p.n for p in periods] == [2, 0, 0, 1]
    assert periods[0].rows == slice(1, 3)
    assert periods[-1].rows == slice(3, 4)


def test_a_boundary_is_not_skipped() -> None:
    """A first training that ends on a boundary is followed by the period that begins there."""
    assert cut(at(day(1, 1), day(1, 9)), day(1, 8), parse_span("week"))[0].start == day(1, 8)
    assert cut(at(day(1, 1), day(3, 9)), day(2, 1), "month")[0].start == day(2, 1)


def test_instants_before_1970_and_between_microseconds() -> None:
    """Instants and moments are each other's inverse."""
    for when in (datetime(1969, 5, 5, 1, 2, 3, 4, tzinfo=UTC), day(2, 29, 23)):
        assert moment(instant(when)) == when
    old = datetime(1960, 1, 1, tzinfo=UTC)
    assert cut(at(old, old + timedelta(days=9)), old, timedelta(days=7))[0].start.weekday() == 0


@pytest.mark.parametrize("text", ["fortnight", "", "0d", "-1d", "7"])
def test_a_span_that_is_none_is_refused(text: str) -> None:
    """The message says what is allowed."""
    with pytest.raises(BadInput, match="expected week, month, or a number and a unit"):
        parse_span(text)


@pytest.mark.parametrize("text", ["month", "7d", "12h", "15min"])
def test_a_span_is_written_as_it_is_read(text: str) -> None:
    """Reports can be read back."""
    assert written_span(parse_span(text)) == text


def test_no_period_left_and_too_many_are_refused() -> None:
    """Neither an empty report nor an endless one."""
    times = at(day(1, 1), day(1, 5))
    with pytest.raises(BadInput, match="no period of 7d begins after the first training"):
        cut(times, day(1, 2), timedelta(days=7))
    with pytest.raises(BadInput, match="more than 5,000 periods"):
        cut(times, day(1, 1), timedelta(minutes=1))
