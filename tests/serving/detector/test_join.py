"""The join: any order, each event one outcome, bounded."""

import random
from collections import Counter

from timonel_serving.detector.half import Half, Kind
from timonel_serving.detector.join import Bounds, Inference, Join
from timonel_serving.detector.tally import Outcome, Tally

SECOND = 1_000_000


def half(identity: str, kind: Kind = Kind.REQUEST, body: bytes = b"{}") -> Half:
    return Half(kind, identity, "fraud", "7", None, body)


def join(**bounds: int) -> tuple[Join, Tally]:
    tally = Tally()
    return Join(Bounds(**{"timeout": 10 * SECOND, **bounds}), tally), tally


def outcomes(tally: Tally) -> dict[str, int]:
    return {name: count for name, count in tally.of(Outcome).items() if count}


def test_halves_join_in_either_order() -> None:
    """Request and response find each other whichever comes first, at the time of the first."""
    joined, tally = join()
    a, b = half("a"), half("a", Kind.RESPONSE)
    assert joined.add(a, 5) is None
    assert joined.add(b, 6) == Inference(a, b, 5)
    c, d = half("c", Kind.RESPONSE), half("c")
    assert joined.add(c, 7) is None
    assert joined.add(d, 8) == Inference(d, c, 7)
    assert len(joined) == 0
    assert outcomes(tally) == {"joined": 4}


def test_duplicates_are_dropped_before_and_after_the_join() -> None:
    """The same half again, waiting or joined, counts as a duplicate and changes nothing."""
    joined, tally = join()
    a, b = half("a"), half("a", Kind.RESPONSE)
    joined.add(a, 0)
    assert joined.add(half("a", body=b"other"), 1) is None
    assert joined.add(b, 2) == Inference(a, b, 0)
    assert joined.add(a, 3) is joined.add(b, 3) is None
    assert outcomes(tally) == {"joined": 2, "duplicate": 3}


def test_a_half_waits_for_the_timeout_and_no_longer() -> None:
    """Just before the timeout the halves join; at it the first is missing its other, which comes late."""
    joined, tally = join()
    joined.add(half("a"), 0)
    assert joined.add(half("a", Kind.RESPONSE), 10 * SECOND - 1) is not None
    joined.add(half("b"), 20 * SECOND)
    assert joined.add(half("b", Kind.RESPONSE), 30 * SECOND) is None
    joined.add(half("c", Kind.RESPONSE), 40 * SECOND)
    joined.pass_time(50 * SECOND)
    joined.add(half("c", Kind.RESPONSE), 51 * SECOND)
    expected = {
        "joined": 2,
        "response_missing": 1,
        "late": 1,
        "request_missing": 1,
        "duplicate": 1,
    }
    assert outcomes(tally) == expected


def test_a_clock_that_goes_back_gives_nothing_up() -> None:
    """Time only passes forward; events stamped earlier count as of the latest time."""
    joined, _ = join()
    joined.add(half("a"), 100 * SECOND)
    joined.add(half("b"), 1 * SECOND)
    assert joined.add(half("b", Kind.RESPONSE), 105 * SECOND) is not None
    assert len(joined) == 1


def test_what_waits_is_bounded_in_number_and_bytes() -> None:
    """Beyond either bound the oldest half is given up and counted; its other half comes late."""
    joined, tally = join(halves=3)
    for name in "abcd":
        joined.add(half(name), 0)
    assert len(joined) == 3
    assert joined.add(half("a", Kind.RESPONSE), 0) is None
    assert outcomes(tally) == {"join_full": 1, "late": 1}
    small, tally = join(size=5000)
    for name in "abc":
        small.add(half(name, body=bytes(2000)), 0)
    assert len(small) == 2
    assert outcomes(tally) == {"join_full": 1}


def test_the_memory_for_duplicates_is_bounded() -> None:
    """The oldest ids are forgotten first."""
    joined, _ = join(remembered=2)
    for name in "abc":
        joined.add(half(name), 0)
        joined.add(half(name, Kind.RESPONSE), 0)
    assert joined.add(half("c"), 0) is None
    assert len(joined) == 0
    joined.add(half("a"), 0)
    assert len(joined) == 1


def test_every_event_has_exactly_one_outcome() -> None:
    """Shuffled, doubled, missing halves under tight bounds: outcomes and those waiting add up."""
    rng = random.Random(7)
    for _ in range(20):
        joined, tally = join(halves=40, remembered=60)
        sent = [half(str(rng.randrange(200)), rng.choice(list(Kind))) for _ in range(3000)]
        complete = 0
        for i, one in enumerate(sent):
            complete += joined.add(one, i * SECOND // 4) is not None
        counts = Counter(tally.of(Outcome))
        assert counts.total() + len(joined) == len(sent)
        assert counts["joined"] == 2 * complete > 0
