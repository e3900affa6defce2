"""Windowed counters: exact, and the same however the log is cut, ordered and merged."""

from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from small_packs import MINUTE, START, Cells, Confusion, events
from timonel.errors import BadInput
from timonel.windows import groups
from timonel.windows.events import Events
from timonel.windows.layout import DAY, EVENTS, HOUR, Layout
from timonel.windows.ranges import Sums
from timonel.windows.state import WindowState, fold, merge

PACKS = (Confusion(), Cells())
LAYOUT = Layout.of(PACKS, slices=("region",), fine_span=2 * HOUR, retention=2 * DAY)


def folded(parts: list[Events], layout: Layout = LAYOUT) -> WindowState:
    state = WindowState(layout)
    for part in parts:
        fold(part, state, PACKS)
    return state


def cut(rng: np.random.Generator, whole: Events, shuffled: bool) -> list[Events]:
    order = rng.permutation(len(whole)) if shuffled else np.argsort(whole.time, kind="stable")
    borders = np.sort(rng.integers(0, len(whole) + 1, rng.integers(0, 6)))
    return [whole.take(rows) for rows in np.split(order, borders) if len(rows)]


def merged(rng: np.random.Generator, states: list[WindowState]) -> WindowState:
    states = list(states)
    while len(states) > 1:
        i = int(rng.integers(len(states) - 1))
        states[i : i + 2] = [merge(states[i], states[i + 1])]
    return states[0]


def brute(whole: Events, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The fields of the packs counted row by row."""
    part, totals = whole.take(rows), {}
    judged = part.take(part.labelled)
    served = [(part, x) for pack in PACKS for x in pack.served(part)]
    outcomes = [(judged, x) for pack in PACKS for x in pack.judged(judged)]
    for of, item in served + outcomes:
        width = LAYOUT.counted[item.field].width
        total = totals.setdefault(item.field, np.zeros(width, np.int64))
        amounts = np.ones(item.at.shape, np.int64) if item.amount is None else item.amount
        for at, amount in zip(item.at.ravel(), amounts.ravel(), strict=True):
            if at >= 0:
                total[at] += amount
        assert len(of) == len(item.at)
    return totals


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(1, 300), days=st.sampled_from([0.05, 1, 2, 5]))
def test_same_state_however_the_log_is_cut_and_merged(seed: int, rows: int, days: float) -> None:
    """Any cut, any order and any tree of merges gives the same state as folding the log at once."""
    rng = np.random.default_rng(seed)
    whole = events(rng, rows, span=int(days * DAY))
    at_once = folded([whole])
    parts = cut(rng, whole, shuffled=bool(rng.integers(2)))
    assert folded(parts) == at_once
    assert merged(rng, [folded([part]) for part in parts]) == at_once
    assert merged(rng, [folded([part]) for part in parts[::-1]]) == at_once


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_late_labels_in_any_order_give_the_same_state(seed: int) -> None:
    """Outcomes judged later, in any order and with corrections, equal those that came with the prediction."""
    rng = np.random.default_rng(seed)
    whole = events(rng, 200, span=4 * DAY)
    unlabelled = Events(
        whole.time, whole.version, whole.columns, np.zeros(200, np.bool_), whole.slices
    )
    wrong = dict(whole.columns, actual=1 - whole.columns["actual"])
    mistaken = Events(whole.time, whole.version, wrong, whole.labelled, whole.slices)
    steps = [(1, mistaken.take(whole.labelled)), (-1, mistaken.take(whole.labelled))]
    steps += [(1, part) for part in cut(rng, whole.take(whole.labelled), shuffled=True)]
    state, apart = folded(cut(rng, unlabelled, shuffled=True)), WindowState(LAYOUT)
    for i in rng.permutation(len(steps)):
        sign, part = steps[i]
        (state if rng.integers(2) else apart).judge(part, PACKS, sign)
    assert merge(state, apart) == folded([whole])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_sums_equal_a_count_row_by_row(seed: int) -> None:
    """The sums of any stretch hold exactly the rows of the stretch that they say they cover."""
    rng = np.random.default_rng(seed)
    whole = events(rng, 200, span=3 * DAY)
    state = folded(cut(rng, whole, shuffled=True))
    start, end = np.sort(START + rng.integers(-DAY, 4 * DAY, 2)).tolist()
    for version in (None, "v1"):
        sums = state.sums(start, end, version=version)
        inside = (whole.time >= sums.start) & (whole.time < sums.end)
        if version:
            inside &= whole.version.codes == whole.version.values.index(version)
        expected = brute(whole, inside)
        assert sums.n == inside.sum()
        assert sums.n_labelled == (inside & whole.labelled).sum()
        for field, total in expected.items():
            assert np.array_equal(sums[field], total), field


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_slices_add_up_to_the_whole(seed: int) -> None:
    """Over whole days the values of a slicing column sum to the whole, each counting its own rows."""
    rng = np.random.default_rng(seed)
    whole = events(rng, 200, span=2 * DAY)
    state = folded(cut(rng, whole, shuffled=True))
    total = state.sums(START, START + 2 * DAY)
    parts = {
        value: state.sums(START, START + 2 * DAY, slice=("region", value))
        for value in state.slice_values("region")
    }
    assert sum(part.n for part in parts.values()) == total.n == 200
    assert np.array_equal(sum(part["confusion"] for part in parts.values()), total["confusion"])
    for value, part in parts.items():
        codes = whole.slices["region"]
        assert part.n == (codes.codes == codes.values.index(value)).sum()
    assert "cells" not in next(iter(parts.values()))


def test_a_series_splits_the_sums_by_intervals() -> None:
    """Each interval of a series holds what sums says of it, by the hour, the day and the quarter."""
    rng = np.random.default_rng(1)
    whole = events(rng, 2_000, span=2 * DAY)
    state = folded([whole])
    for step in (15 * MINUTE, HOUR, DAY, 45 * MINUTE):
        times, rows = state.series("confusion", START, START + 2 * DAY, step)
        assert times.tolist() == list(range(START, START + 2 * DAY, step))
        for time, row in zip(times.tolist(), rows, strict=True):
            end = min(time + step, START + 2 * DAY)
            assert np.array_equal(row, state.sums(time, end)["confusion"])
    newest = START + 2 * DAY - HOUR
    _, minutes = state.series("events", newest, newest + HOUR, MINUTE)
    assert minutes.sum(axis=0)[0] == state.sums(newest, newest + HOUR).n > 0


def test_the_covered_stretch_is_told() -> None:
    """A window inside coarse blocks takes those that begin in it, and says what it covers."""
    rng = np.random.default_rng(1)
    state = folded([events(rng, 2_000, span=2 * DAY)])
    sums = state.sums(START + MINUTE, START + HOUR + MINUTE)
    assert (sums.start, sums.end) == (START + 15 * MINUTE, START + HOUR + 15 * MINUTE)
    late = START + 2 * DAY - HOUR
    sums = state.sums(late + MINUTE, late + 2 * MINUTE)
    assert (sums.start, sums.end) == (late + MINUTE, late + 2 * MINUTE)
    before = state.sums(START - 30 * DAY, START - 29 * DAY)
    assert before.start == before.end
    assert before.n == 0


def test_an_empty_state_has_zeros() -> None:
    """Before the first event every field is there and 0."""
    sums = WindowState(LAYOUT).sums(START, START + DAY).load()
    assert {field: total.tolist() for field, total in sums.items() if field != "cells"} == {
        "events": [0, 0],
        "alerts": [0, 0],
        "latency": [0],
        "confusion": [0, 0, 0, 0],
    }


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_expires_is_counted(seed: int) -> None:
    """Predictions and outcomes are in the windows or counted as expired, none is lost."""
    rng = np.random.default_rng(seed)
    whole = events(rng, 300, span=9 * DAY)
    state = folded(cut(rng, whole, shuffled=True))
    kept = state.sums(START - DAY, START + 10 * DAY)
    assert kept.n + state.expired[0] == 300
    assert kept.n_labelled + state.expired[1] == whole.labelled.sum()
    assert state.expired[0] > 0


def test_counters_widen_before_they_overflow() -> None:
    """Counts beyond 16 bits and sums beyond 32 stay exact, up and down again."""
    rng = np.random.default_rng(1)
    whole = events(rng, 150_000, span=MINUTE, versions=("v1",), values=("all",))
    state = folded([whole] * 3)
    sums = state.sums(START, START + DAY)
    assert sums.n == 450_000
    assert sums["latency"][0] == 3 * whole.columns["latency_us"].sum() > 2**40
    outcomes = whole.take(whole.labelled)
    for _ in range(3):
        state.judge(outcomes, PACKS, sign=-1)
    assert not state.sums(START, START + DAY)["confusion"].any()


def test_versions_beyond_the_bound_share_one_place() -> None:
    """Of more versions than the bound the last in natural order are kept, in whatever order they come."""
    versions = tuple(f"v{i}" for i in range(30))
    layout = Layout.of(PACKS, slices=("region",), max_versions=4)
    rng = np.random.default_rng(1)
    whole = events(rng, 1_000, span=DAY, versions=versions)
    state = folded([whole], layout)
    assert state.versions() == ["other", "v26", "v27", "v28", "v29"]
    for _ in range(5):
        parts = cut(rng, whole, shuffled=True)
        assert folded(parts, layout) == state
        assert merged(rng, [folded([part], layout) for part in parts]) == state
    assert state.sums(START, START + DAY).n == 1_000
    in_other = state.sums(START, START + DAY, version="other").n
    assert in_other == (whole.version.codes < 26).sum()
    with pytest.raises(BadInput, match="version 'v3' has no counters of its own"):
        state.sums(START, START + DAY, version="v3")


def test_listed_slice_values_are_kept_whatever_comes() -> None:
    """Values known beforehand have counters of their own; the sketch names the largest of the rest."""
    values = ("rare", *(f"x{i}" for i in range(500)), "frequent")
    listed = (("region", ("rare", "absent")),)
    layout = Layout.of(PACKS, slices=("region",), listed=listed, sketch_size=16)
    rng = np.random.default_rng(1)
    parts = []
    for _ in range(10):
        part = events(rng, 1_000, span=DAY, values=values)
        codes = part.slices["region"].codes
        codes[rng.random(1_000) < 0.3] = len(values) - 1
        parts.append(part)
    state = merged(rng, [folded([part], layout) for part in parts])
    assert state.slice_values("region") == ["other", "rare"]
    name, low, high = state.largest_others("region")[0]
    exact = sum(int((p.slices["region"].codes == len(values) - 1).sum()) for p in parts)
    assert name == "frequent"
    assert low <= exact <= high
    assert high - low <= 10_000 / 17


def test_the_sketch_misses_no_row_of_the_others() -> None:
    """However the states are merged, the sketch has seen each row that is counted among the others once."""
    versions = tuple(f"v{i}" for i in range(12))
    layout = Layout.of(PACKS, slices=("region",), max_versions=3)
    rng = np.random.default_rng(2)
    for _ in range(10):
        whole = events(rng, 300, span=DAY, versions=versions)
        parts = cut(rng, whole, shuffled=True)
        for state in (folded(parts, layout), merged(rng, [folded([p], layout) for p in parts])):
            total = sum(low for _, low, _ in state.largest_others())
            assert total == state.sums(START, START + DAY, version="other").n


def test_batches_too_wide_for_one_go_are_counted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that touches more counters than are added up at once ends in the same state."""
    whole = events(np.random.default_rng(1), 500, span=4 * DAY)
    at_once = folded([whole])
    monkeypatch.setattr(groups, "LIMIT", 1_000)
    assert folded([whole]) == at_once


def test_a_version_is_forgotten_with_its_events() -> None:
    """Once all events of a version have expired, it leaves room for others."""
    rng = np.random.default_rng(1)
    old = events(rng, 100, span=DAY, versions=("v9",))
    new = events(rng, 100, span=DAY, versions=("v1",))
    new = Events(new.time + 10 * DAY, new.version, new.columns, new.labelled, new.slices)
    state = folded([old, new])
    assert state.versions() == ["v1"]
    assert state.expired[0] == 100


def test_sums_are_those_of_the_moment_when_they_were_asked_for() -> None:
    """Sums that nobody had read before the state changed read as they would have before."""
    rng = np.random.default_rng(1)
    state = folded([events(rng, 100)])
    before = dict(state.sums(START, START + DAY).load())
    late = [state.sums(START, START + DAY) for _ in range(3)]
    state.fold(events(rng, 100), PACKS)
    state.judge(events(rng, 10), PACKS)
    state.advance(START + 40 * DAY)
    for sums in late:
        assert sums.n == before[EVENTS][0] > 0
        for name, counts in before.items():
            np.testing.assert_array_equal(sums[name], counts)
    assert state.sums(START, START + DAY).n == 0


def test_sums_may_be_read_while_another_thread_counts() -> None:
    """What another thread reads of sums, while this one folds, is what they were when asked for."""
    rng = np.random.default_rng(2)
    state, batch = folded([events(rng, 100)]), events(rng, 1000)
    asked: Queue[tuple[Sums, Sums] | None] = Queue()

    def read() -> int:
        read = 0
        while (pair := asked.get()) is not None:
            now, late = pair
            read += all(np.array_equal(late[name], counts) for name, counts in now.items())
        return read

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        for _ in range(50):
            asked.put((state.sums(START, START + DAY).load(), state.sums(START, START + DAY)))
            state.fold(batch, PACKS)
        asked.put(None)
        assert reader.result() == 50


def test_bad_questions_are_refused() -> None:
    """Unknown slices, reversed windows and intervals finer than the blocks name what is wrong."""
    state = folded([events(np.random.default_rng(1), 100)])
    with pytest.raises(BadInput, match="no slice by 'color'"):
        state.sums(START, START + DAY, slice=("color", "red"))
    with pytest.raises(BadInput, match="start before its end"):
        state.sums(START + DAY, START)
    with pytest.raises(BadInput, match="expected 900,000,000 or more"):
        state.series("alerts", START, START + DAY, MINUTE)
    other = WindowState(Layout.of(PACKS))
    with pytest.raises(BadInput, match="different layouts"):
        merge(state, other)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"fine": 7 * MINUTE}, "each to divide the next"),
        ({"fine_span": 36 * DAY}, "the shorter"),
        ({"max_versions": 0}, "1 or more"),
        ({"fine": 1}, "expected 2,147,483,648 at most"),
        ({"retention": 10**18}, "expected 2,147,483,648 at most"),
    ],
)
def test_bad_layouts_are_refused(setting: dict[str, int], message: str) -> None:
    """A layout that cannot work says why."""
    with pytest.raises(BadInput, match=message):
        Layout.of(PACKS, **setting)
