"""A destination that takes nothing: memory is bounded, the spool holds, sheds with a count, and recovers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from card_events import paid
from destinations import Shelf
from inference_events import structured
from timonel.config.watching import Detector
from timonel.errors import Unavailable
from timonel.monitor.config import MonitorConfig
from timonel.terms import Task
from timonel_serving.detector.delivery.delivery import Delivery
from timonel_serving.detector.delivery.outbox import Pace
from timonel_serving.detector.message import Message
from timonel_serving.detector.process import Detection, put_together

SMALL = Detector(port=0, max_body_mb=0.1, spool_mb=1)
PACE = Pace(every=0.05, rows=500, waiting=1000)
KIND = ((b"content-type", b"application/cloudevents-batch+json"),)
SECOND = 1_000_000


@contextmanager
def detection(
    folder: Path, *shelves: Shelf, clock: Callable[[], int] = lambda: time.time_ns() // 1000
) -> Iterator[Detection]:
    """A detector that delivers to shelves."""
    deliveries = [Delivery(shelf, PACE) for shelf in shelves]
    watching = MonitorConfig(task=Task.BINARY)
    found = put_together(SMALL, watching, None, folder, clock, deliveries=deliveries)
    found.start()
    try:
        yield found
    finally:
        for shelf in shelves:
            shelf.open.set()
        found.stop()


def spool(found: Detection, first: int, count: int, received: int | None = None) -> None:
    """Inferences as the door spools them, both halves in one message, eight a message."""
    for i in range(first, first + count, 8):
        halves = [structured(one) for n in range(i, min(i + 8, first + count)) for one in paid(n)]
        at = time.time_ns() // 1000 if received is None else received
        found.spool.append(Message.of(at, KIND, orjson.dumps(halves)).pack(), len(halves))


def wait(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stalled_destination_fills_its_outbox_then_the_spool(tmp_path: Path) -> None:
    """Rows in memory stay at the bound, events beyond the spool's are shed and counted; each inference
    arrives or is counted, once."""
    shelf, sent = Shelf(), 6000
    shelf.open.clear()
    with detection(tmp_path, shelf) as found:
        outbox = found.deliveries[0].outbox
        spool(found, 0, 3000)
        wait(lambda: outbox.full)
        spool(found, 3000, sent - 3000)
        held = found.folding.held
        wait(lambda: found.folding.held > held + 0.3)
        # a batch is passed on whole
        assert PACE.waiting <= outbox.rows < PACE.waiting + 2100
        assert found.spool.size <= SMALL.spool_mb * 2**20
        shed = found.spool.losses.shed // 2
        assert shed > 500
        assert shelf.ids == []
        shelf.open.set()
        wait(lambda: len(shelf.ids) == sent - shed)
        assert len(set(shelf.ids)) == sent - shed
        assert found.deliveries[0].standing.delivered == sent - shed
        spool(found, sent, 8)
        wait(lambda: len(shelf.ids) == sent - shed + 8)


def test_one_that_stalls_does_not_lose_what_the_other_has(tmp_path: Path) -> None:
    """Each has a mark of its own: after a restart each gets what it lacks, and nothing twice."""
    quick, slow = Shelf(name="quick"), Shelf(name="slow", failure=Unavailable("down"))
    with detection(tmp_path, quick, slow) as found:
        spool(found, 0, 400)
        wait(lambda: len(quick.ids) == 400)
    assert slow.ids == []
    slow.failure = None
    with detection(tmp_path, quick, slow) as found:
        wait(lambda: len(slow.ids) == 400)
        spool(found, 400, 8)
        wait(lambda: len(slow.ids) == 408)
        wait(lambda: len(quick.ids) == 408)
    assert sorted(quick.ids) == sorted(slow.ids)
    assert len(set(slow.ids)) == 408


def test_the_spool_is_released_behind_what_all_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files go once all have their events and duplicates of them are no longer expected; a duplicate of
    what is still there is known as one after a restart."""
    monkeypatch.setattr("timonel_serving.detector.folding._TIDY", 0.0)
    shelf, each, minutes = Shelf(), 24, [0]

    def clock() -> int:
        return (1_763_721_900 + 60 * minutes[0]) * SECOND

    def a_minute_later(found: Detection, first: int, count: int) -> None:
        minutes[0] += 1
        spool(found, first, count, clock())

    with detection(tmp_path, shelf, clock=clock) as found:
        for i in range(20):
            a_minute_later(found, each * i, each)
        whole = found.spool.size
        wait(lambda: len(shelf.ids) == 20 * each)
        a_minute_later(found, 20 * each, 8)
        wait(lambda: len(shelf.ids) == 20 * each + 8)
        wait(lambda: found.spool.size < 0.7 * whole)
        assert found.spool.losses.shed == found.spool.losses.forgotten == 0
    before = len(shelf.ids)
    with detection(tmp_path, shelf, clock=clock) as found:
        a_minute_later(found, 15 * each, each)
        a_minute_later(found, 21 * each, 8)
        wait(lambda: len(shelf.ids) == before + 8)
        assert 0 < found.deliveries[0].standing.known < before
    assert len(set(shelf.ids)) == len(shelf.ids)


def test_a_spool_that_was_lost_does_not_hide_new_events(tmp_path: Path) -> None:
    """A detector of the same name with an empty disk: positions go on rising, so all is delivered."""
    shelf = Shelf()
    for i in range(2):
        with detection(tmp_path / f"disk-{i}", shelf) as found:
            spool(found, 80 * i, 80)
            wait(lambda expected=80 * (i + 1): len(shelf.ids) == expected)
    assert len(set(shelf.ids)) == 160


def test_events_lost_with_the_end_of_the_spool_do_not_hide_new_ones(tmp_path: Path) -> None:
    """Delivered, then cut off by a power loss: what is spooled in their place is new."""
    shelf = Shelf()
    with detection(tmp_path, shelf) as found:
        spool(found, 0, 80)
        wait(lambda: len(shelf.ids) == 80)
    last = max(tmp_path.glob("*.spool"))
    with last.open("rb+") as stream:
        stream.truncate(last.stat().st_size // 2)
    with detection(tmp_path, shelf) as found:
        assert found.spool.losses.truncated_bytes > 0
        spool(found, 80, 80)
        wait(lambda: len(shelf.ids) == 160)
    assert len(set(shelf.ids)) == 160


def test_two_detectors_whose_clocks_differ_deliver_the_same_event_times(tmp_path: Path) -> None:
    """One is three days behind: joins and event times are those of the events."""
    shelves = [Shelf(), Shelf()]
    clocks = (lambda: time.time_ns() // 1000, lambda: time.time_ns() // 1000 - 3 * 86_400 * SECOND)
    figures = []
    for shelf, clock in zip(shelves, clocks, strict=True):
        with detection(tmp_path / str(len(figures)), shelf, clock=clock) as found:
            spool(found, 0, 160, clock())
            wait(lambda shelf=shelf: len(shelf.ids) == 160)
            figures.append(found.monitor.calculate_metrics("1d").to_dict())
    assert shelves[0].ids == shelves[1].ids
    assert figures[0] == figures[1]


def test_bodies_are_for_nobody_else_to_read(tmp_path: Path) -> None:
    """The spool holds them as they came: its folder and files are its owner's alone."""
    with detection(tmp_path / "spool", Shelf()) as found:
        spool(found, 0, 8)
        assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
        modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "spool").glob("*.spool")}
    assert modes == {0o600}
