"""Labels that come late, early, twice or corrected: the windows end up the same."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from small_packs import START, Confusion, events
from timonel.errors import Corrupt
from timonel.performance.maturity import fit_arrival
from timonel.windows import arrival
from timonel.windows.arrow import to_arrow as state_to_arrow
from timonel.windows.events import Events
from timonel.windows.labels import Labels
from timonel.windows.layout import DAY, HOUR, SECOND, Layout
from timonel.windows.pending import Pending
from timonel.windows.pending_arrow import from_arrow, to_arrow
from timonel.windows.state import WindowState

PACKS = (Confusion(),)
LAYOUT = Layout.of(PACKS, slices=("region",))


def predictions(rng: np.random.Generator, rows: int, labelled: bool = False) -> Events:
    made = events(rng, rows)
    mask = made.labelled if labelled else np.zeros(rows, np.bool_)
    columns = dict(made.columns, actual=np.where(mask, made.columns["actual"], -1).astype(np.int8))
    ids = pa.array([f"p{i}" for i in range(rows)])
    return Events(made.time, made.version, columns, mask, made.slices, ids)


def labels(ids: list[str], arrived: list[int], actual: list[int]) -> Labels:
    at = np.array(arrived, dtype=np.int64) + START
    return Labels(pa.array(ids, pa.string()), at, {"actual": np.array(actual, dtype=np.int8)})


def pending(**limits: int) -> Pending:
    return Pending(Confusion.remembers, **limits)


def settle(waiting: Pending, state: WindowState, given: Labels | None = None) -> None:
    settlement = waiting.settle(given)
    for part in settlement.take_back:
        state.judge(part, PACKS, sign=-1)
    for part in settlement.judge:
        state.judge(part, PACKS)


def random_labels(rng: np.random.Generator, rows: int, n: int) -> Labels:
    """Labels with repeats, few arrival times and ids that no prediction has."""
    ids = [f"p{i}" for i in rng.integers(0, rows + 5, n)]
    return labels(
        ids, rng.integers(4 * DAY, 4 * DAY + 6, n).tolist(), rng.integers(0, 2, n).tolist()
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(1, 60))
def test_the_order_of_labels_does_not_matter(seed: int, rows: int) -> None:
    """Labels before, between and after their predictions, in any batches, give the same windows."""
    rng = np.random.default_rng(seed)
    made = predictions(rng, rows, labelled=True)
    given = random_labels(rng, rows, 2 * rows)
    reference, expected = pending(), WindowState(LAYOUT)
    expected.fold(made, PACKS)
    reference.add(made)
    settle(reference, expected, given)
    waiting, state = pending(), WindowState(LAYOUT)
    order = rng.permutation(len(given))
    steps = [("label", part) for part in np.array_split(order, 5)]
    steps += [("predict", part) for part in np.array_split(rng.permutation(rows), 3)]
    for i in rng.permutation(len(steps)):
        kind, part = steps[i]
        if kind == "label":
            settle(waiting, state, given.take(part))
        elif len(part):
            batch = made.take(part)
            state.fold(batch, PACKS)
            waiting.add(batch)
    settle(waiting, state)
    assert state == expected
    assert np.array_equal(waiting.delays, reference.delays)
    assert waiting.tally.applied == reference.tally.applied
    for tally, held in ((waiting.tally, waiting.waiting), (reference.tally, reference.waiting)):
        assert sum(tally.to_dict().values()) + held == len(given)


def test_windows_hold_the_label_that_stands() -> None:
    """The confusion counts are those of the last label of each prediction."""
    rng = np.random.default_rng(1)
    made = predictions(rng, 500)
    waiting, state = pending(), WindowState(LAYOUT)
    state.fold(made, PACKS)
    waiting.add(made)
    given = random_labels(rng, 500, 900)
    for part in np.array_split(np.arange(900), 9):
        settle(waiting, state, given.take(part))
    last: dict[str, tuple[int, int]] = {}
    for name, at, actual in zip(
        given.ids.to_pylist(), given.arrived.tolist(), given.columns["actual"].tolist(), strict=True
    ):
        last[name] = max(last.get(name, (0, 0)), (at, actual))
    expected = np.zeros(4, np.int64)
    for name, predicted in zip(made.ids.to_pylist(), made.columns["predicted"], strict=True):
        if name in last and predicted >= 0:
            expected[predicted * 2 + last[name][1]] += 1
    sums = state.sums(START, START + 4 * DAY)
    assert np.array_equal(sums["confusion"], expected)
    assert sums.n_labelled == len(last.keys() & set(made.ids.to_pylist()))


def test_each_label_is_counted_under_what_became_of_it() -> None:
    """Applied, the same again, corrected, outdated, conflicting, waiting and unknown, one each."""
    made = predictions(np.random.default_rng(1), 3)
    waiting, state = pending(held_limit=1), WindowState(LAYOUT)
    state.fold(made, PACKS)
    waiting.add(made)
    for name, arrived, actual in [
        ("p0", 5 * DAY, 1),
        ("p0", 6 * DAY, 1),
        ("p0", 7 * DAY, 0),
        ("p0", 4 * DAY, 1),
        ("p0", 7 * DAY, 1),
        ("nobody", 5 * DAY, 1),
        ("nobody else", 5 * DAY, 1),
    ]:
        settle(waiting, state, labels([name], [arrived], [actual]))
    settle(waiting, state, Labels(pa.array([None], pa.string()), np.zeros(1, np.int64), {}))
    assert waiting.tally.to_dict() == {
        "applied": 1,
        "duplicate": 1,
        "corrected": 1,
        "outdated": 1,
        "conflicting": 1,
        "unknown": 2,
        "duplicate_predictions": 0,
        "dropped": 0,
    }
    assert waiting.waiting == 1
    assert state.sums(START, START + 4 * DAY).n_labelled == 1


def test_the_oldest_predictions_make_room() -> None:
    """Beyond the limit the predictions that came first are dropped and counted; the others are labelled."""
    made = predictions(np.random.default_rng(1), 1_000)
    waiting, state = pending(limit=100), WindowState(LAYOUT)
    for rows in np.array_split(np.arange(1_000), 33):
        waiting.add(made.take(rows))
    assert len(waiting) == 100
    assert waiting.tally.dropped == 900
    settle(waiting, state, labels(["p899", "p900"], [5 * DAY] * 2, [1, 1]))
    assert (waiting.tally.applied, waiting.waiting) == (1, 1)


def test_of_two_predictions_with_one_id_the_first_is_labelled() -> None:
    """A repeated prediction id is counted, and its label judges one prediction only."""
    made = predictions(np.random.default_rng(1), 10)
    waiting, state = pending(), WindowState(LAYOUT)
    waiting.add(made)
    settle(waiting, state)
    waiting.add(made)
    settle(waiting, state, labels(["p3", "p4"], [5 * DAY] * 2, [1, 1]))
    assert waiting.tally.duplicate_predictions == 2
    assert state.sums(START, START + 4 * DAY).n_labelled == 2


def test_what_is_too_old_is_forgotten() -> None:
    """Predictions and held labels before a time are dropped and counted, but for labels that came before
    any prediction, which have no time."""
    made = predictions(np.random.default_rng(1), 200)
    waiting = pending()
    waiting.add(made)
    waiting.settle(labels(["early", "late", "before any"], [0, 5 * DAY, -START], [1, 1, 1]))
    waiting.expire(START + DAY)
    young = int((made.time >= START + DAY).sum())
    assert (len(waiting), waiting.tally.dropped) == (young, 200 - young)
    assert (waiting.waiting, waiting.tally.unknown) == (2, 1)


def test_delays_make_the_arrival_curve() -> None:
    """The counters hold each first label's delay, and the remembered rows fit the curve."""
    rng = np.random.default_rng(1)
    made = predictions(rng, 400)
    waiting = pending()
    waiting.add(made)
    delay = rng.integers(SECOND, 2 * DAY, 400)
    known = rng.random(400) < 0.8
    ids = [f"p{i}" for i in np.flatnonzero(known)]
    arrived = (made.time + delay)[known]
    waiting.settle(labels(ids, (arrived - START).tolist(), [1] * len(ids)))
    assert np.array_equal(waiting.delays, arrival.counts(delay[known]))
    seconds, age = waiting.arrivals(START + 6 * DAY)
    curve = fit_arrival(seconds, age)
    assert curve.n == 400
    assert abs(curve.plateau - known.mean()) < 1e-9
    assert np.isnan(waiting.arrivals(START + HOUR)[0]).sum() > 0


def test_lists_of_outcomes_are_settled_too() -> None:
    """An outcome of several numbers a prediction, as a ranking has, is compared as a whole."""
    made = predictions(np.random.default_rng(1), 5)
    columns = dict(made.columns, relevant=np.full((5, 3), -1, np.int32))
    waiting = Pending(("predicted",), outcome=("relevant",))
    waiting.add(Events(made.time, made.version, columns, made.labelled, made.slices, made.ids))

    def label(values: list[int], arrived: int) -> Labels:
        return Labels(
            pa.array(["p1"]), np.array([arrived + START]), {"relevant": np.array([values])}
        )

    first = waiting.settle(label([4, 5, -1], 5 * DAY))
    assert first.judge[0].columns["relevant"].tolist() == [[4, 5, -1]]
    again = waiting.settle(label([4, 5, -1], 6 * DAY))
    assert again.judge == again.take_back == ()
    corrected = waiting.settle(label([4, 6, -1], 7 * DAY))
    assert corrected.take_back[0].columns["relevant"].tolist() == [[4, 5, -1]]
    assert corrected.judge[0].columns["relevant"].tolist() == [[4, 6, -1]]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.sampled_from([0, 1, 40]))
def test_a_saved_one_goes_on_as_if_nothing_had_been(seed: int, rows: int) -> None:
    """Saved and read between any two steps, the same labels are settled and counted alike."""
    rng = np.random.default_rng(seed)
    made = predictions(rng, rows, labelled=True)
    given = random_labels(rng, rows, 2 * rows)
    waiting, saved = pending(), pending()
    state, other = WindowState(LAYOUT), WindowState(LAYOUT)
    for part, batch in zip(np.array_split(np.arange(2 * rows), 3), range(3), strict=True):
        for of, at in ((waiting, state), (saved, other)):
            of.add(made.take(np.arange(rows) % 3 == batch))
            settle(of, at, given.take(part))
        saved = from_arrow(to_arrow(saved))
    settle(saved, other)
    settle(waiting, state)
    assert state == other
    assert (saved.tally, saved.waiting, len(saved)) == (
        waiting.tally,
        waiting.waiting,
        len(waiting),
    )
    assert np.array_equal(saved.delays, waiting.delays)


def test_damaged_pending_predictions_are_noticed() -> None:
    """One changed byte, and a state in the place of pending predictions, are Corrupt."""
    waiting = pending()
    waiting.add(predictions(np.random.default_rng(1), 10))
    rows = to_arrow(waiting).to_pylist()
    rows[0]["payload"] = rows[0]["payload"][:-9] + b"x" + rows[0]["payload"][-8:]
    with pytest.raises(Corrupt, match="damaged"):
        from_arrow(pa.Table.from_pylist(rows))
    with pytest.raises(Corrupt, match="expected a pending"):
        from_arrow(state_to_arrow(WindowState(LAYOUT)))
