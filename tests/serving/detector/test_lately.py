"""What the door has parsed already: handed on once, bounded, never in place of something else."""

from timonel_serving.detector.half import Refusal
from timonel_serving.detector.lately import Lately

A, B = (1, [Refusal.ID]), (2, [Refusal.TYPE])


def test_events_are_taken_once_by_their_position() -> None:
    """Those of another record are never given."""
    lately = Lately()
    lately.put(10, A, 5)
    lately.put(20, B, 5)
    assert lately.take(10) is A
    assert lately.take(10) is None
    assert lately.take(15) is None
    assert lately.take(20) is B


def test_what_the_reader_has_passed_is_let_go() -> None:
    """Also what comes after its record was read from the spool."""
    lately = Lately(most=10)
    lately.put(10, A, 10)
    assert lately.take(20) is None
    lately.put(15, A, 10)
    lately.put(30, B, 10)
    assert lately.take(30) is B


def test_it_is_bounded() -> None:
    """While nobody takes anything what is beyond the bound is left to the spool."""
    lately = Lately(most=100)
    for end in range(1, 1000):
        lately.put(end, A, 10)
    assert [lately.take(end) is A for end in range(1, 13)] == [True] * 10 + [False] * 2
