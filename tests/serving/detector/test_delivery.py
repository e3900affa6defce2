"""Delivery: in order, once, bounded while a destination does not answer."""

import logging
import time
from collections.abc import Callable

import pytest

from destinations import Shelf, piece
from timonel.errors import BadInput, Busy, Corrupt, Denied, Unavailable
from timonel_serving.detector.delivery import delivery as module
from timonel_serving.detector.delivery.delivery import Delivery
from timonel_serving.detector.delivery.outbox import Pace

AT_ONCE = Pace(every=0.02, rows=10, waiting=30)


def wait(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_rows_arrive_in_order_and_once() -> None:
    """All pieces, none twice; the mark is that of the last piece, with rows or without."""
    shelf = Shelf()
    delivery = Delivery(shelf, AT_ONCE)
    delivery.start()
    for i in range(1, 101):
        delivery.outbox.put(piece(10 * i, *([f"r{i}"] if i % 3 else [])))
    wait(lambda: delivery.mark == 1000)
    assert shelf.ids == [f"r{i}" for i in range(1, 101) if i % 3]
    assert [mark for mark, _ in shelf.kept] == sorted({mark for mark, _ in shelf.kept})
    assert delivery.standing.delivered == 67
    assert delivery.outbox.rows == delivery.outbox.size == 0
    delivery.stop()


def test_rows_are_gathered_for_a_while_but_never_beyond_the_number() -> None:
    """A delivery has as many rows as the pace says at most, and what is fewer waits for the time."""
    shelf = Shelf()
    delivery = Delivery(shelf, Pace(every=0.3, rows=4, waiting=100))
    for i in range(1, 11):
        delivery.outbox.put(piece(i, f"r{i}"))
    delivery.start()
    wait(lambda: len(shelf.kept) == 2)
    assert [len(ids) for _, ids in shelf.kept] == [4, 4]
    wait(lambda: len(shelf.kept) == 3)
    assert [len(ids) for _, ids in shelf.kept] == [4, 4, 2]
    delivery.stop()


def test_what_arrived_before_a_restart_is_skipped() -> None:
    """Of a piece that lies across the mark only the rows behind it are delivered."""
    shelf = Shelf(known=25)
    delivery = Delivery(shelf, AT_ONCE)
    for i in range(1, 6):
        delivery.outbox.put(piece(10 * i, f"r{i}"))
    assert delivery.mark is None
    delivery.start()
    wait(lambda: delivery.mark == 50)
    assert shelf.ids == ["r3", "r4", "r5"]
    assert (delivery.standing.known, delivery.standing.delivered) == (2, 3)
    delivery.stop()


@pytest.mark.parametrize(
    "failure", [Unavailable("down"), Busy("busy"), Denied("no"), Corrupt("bad")]
)
def test_a_destination_that_fails_is_asked_again(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outbox fills to its bound and says so; once the destination answers all of it arrives."""
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.01)
    shelf = Shelf(failure=failure)
    delivery = Delivery(shelf, AT_ONCE)
    delivery.start()
    sent = 0
    while not delivery.outbox.full:
        sent += 1
        delivery.outbox.put(piece(sent, f"r{sent}"))
    assert sent == AT_ONCE.waiting
    wait(lambda: delivery.standing.retries > 3)
    assert shelf.ids == []
    assert delivery.mark == 0
    assert delivery.outbox.oldest > 0
    assert delivery.standing.stalled_seconds > 0
    shelf.failure = None
    wait(lambda: delivery.mark == sent)
    assert shelf.ids == [f"r{i}" for i in range(1, sent + 1)]
    assert not delivery.outbox.full
    stalled = delivery.standing.stalled_seconds
    time.sleep(0.02)
    assert delivery.standing.stalled_seconds == stalled > 0
    delivery.stop()


def test_what_is_refused_for_good_is_counted_and_passed_by(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An error in the log, the rows in the count, and the next ones arrive."""
    shelf = Shelf(failure=BadInput("a parcel of another reference"))
    delivery = Delivery(shelf, AT_ONCE)
    delivery.start()
    delivery.outbox.put(piece(1, "a", "b"))
    wait(lambda: delivery.mark == 1)
    shelf.failure = None
    delivery.outbox.put(piece(2, "c"))
    wait(lambda: delivery.mark == 2)
    assert shelf.ids == ["c"]
    assert (delivery.standing.refused, delivery.standing.delivered) == (2, 1)
    (told,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "2 rows were refused" in told.getMessage()
    assert "another reference" in told.getMessage()
    delivery.stop()


def test_a_value_in_an_error_that_nobody_foresaw_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its type and its place are; its text may hold what a row held."""
    shelf = Shelf(failure=ValueError("card-1234"))
    delivery = Delivery(shelf, AT_ONCE)
    delivery.start()
    delivery.outbox.put(piece(1, "a"))
    wait(lambda: delivery.mark == 1)
    assert delivery.standing.refused == 1
    assert "ValueError at" in caplog.text
    assert "card-1234" not in caplog.text
    delivery.stop()


def test_another_detector_of_the_same_name_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Rows that a higher mark of that name keeps out are counted as refused, with an error that says why."""
    shelf = Shelf()
    delivery = Delivery(shelf, AT_ONCE)
    delivery.start()
    wait(lambda: delivery.mark == 0)
    shelf.known = 1000
    delivery.outbox.put(piece(5, "a"))
    wait(lambda: delivery.standing.refused == 1)
    assert "monitoring.detector.name" in caplog.text
    delivery.stop()


def test_a_stop_delivers_what_waits() -> None:
    """Also what is neither enough nor old enough."""
    shelf = Shelf()
    delivery = Delivery(shelf, Pace(every=60, rows=1000, waiting=2000))
    delivery.start()
    delivery.outbox.put(piece(1, "a"))
    delivery.stop()
    assert shelf.ids == ["a"]
    assert shelf.left
    assert not delivery.alive


def test_a_stop_does_not_wait_for_one_that_fails() -> None:
    """It ends at once, and the mark says that nothing has arrived."""
    shelf = Shelf(failure=Unavailable("down"))
    delivery = Delivery(shelf, AT_ONCE)
    delivery.start()
    delivery.outbox.put(piece(1, "a"))
    wait(lambda: delivery.standing.failing_since)
    begun = time.monotonic()
    delivery.stop()
    assert time.monotonic() - begun < 2
    assert delivery.mark == 0
    assert not shelf.left


def test_silence_is_broken_by_a_greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """While there is nothing to deliver the destination hears that the detector lives."""
    monkeypatch.setattr(module, "_SILENCE", 0.02)
    shelf = Shelf()
    delivery = Delivery(shelf, AT_ONCE)
    delivery.start()
    wait(lambda: shelf.greetings >= 3)
    delivery.stop()


def test_pieces_without_rows_do_not_pile_up() -> None:
    """However many come while a destination is stalled."""
    shelf = Shelf()
    shelf.open.clear()
    delivery = Delivery(shelf, AT_ONCE)
    delivery.start()
    delivery.outbox.put(piece(1, "a"))
    for i in range(2, 5000):
        delivery.outbox.put(piece(i))
    assert len(delivery.outbox._queue) <= 101
    shelf.open.set()
    delivery.outbox.put(piece(5000, "b"))
    wait(lambda: delivery.mark == 5000)
    assert shelf.ids == ["a", "b"]
    delivery.stop()
