"""Learning: a monitor without a reference takes its first stable stretch, and says how far it is."""

import numpy as np
import pyarrow as pa
import pytest

from timonel.monitor.ahead import CONFIRMED_BY, AheadGuard
from timonel.monitor.learning import Learning

HOUR = 3_600_000_000
DAY = 24 * HOUR


def rows(
    n: int, start: int, mean: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, dict[str, object]]:
    rng = np.random.default_rng(seed)
    time = np.sort(start + rng.integers(0, DAY, n))
    return time, {"x": rng.normal(mean, 1, n), "c": rng.choice(["a", "b"], n)}


def test_a_stable_stretch_is_taken() -> None:
    """The shortest first stretch with rows and time enough is the reference, if its halves agree."""
    learning = Learning(500, DAY // 2)
    learning.add(*rows(400, 0))
    assert learning.take() is None
    assert learning.progress.rows == 400
    learning.add(*rows(400, 0, seed=1))
    stretch = learning.take()
    assert stretch is not None
    assert stretch.reference.learnt
    assert stretch.reference.rows == 500
    assert len(stretch.time) == 800
    assert (np.diff(stretch.time) >= 0).all()


def test_an_unstable_stretch_is_left_behind() -> None:
    """A shift within the stretch begins it anew with what came after the shift."""
    learning = Learning(500, DAY)
    learning.add(*rows(400, 0))
    learning.add(*rows(400, DAY, mean=3.0, seed=1))
    assert learning.take() is None
    assert learning.progress.restarts == 1
    learning.add(*rows(400, 2 * DAY, mean=3.0, seed=2))
    stretch = learning.take()
    assert stretch is not None
    assert np.mean(stretch.features["x"].to_numpy()) == pytest.approx(3, abs=0.2)


def test_batches_of_other_types_join() -> None:
    """A feature that is a number in one batch and a text in the next is kept as text, and learnt."""
    learning = Learning(200, 1)
    time = np.arange(150) * HOUR
    learning.add(time, {"x": np.arange(150)})
    learning.add(time + DAY, {"x": [str(i) for i in range(150)], "late": [1.0] * 150})
    stretch = learning.take()
    assert stretch is not None
    assert stretch.features["x"].type == pa.string()


def test_one_event_from_the_future_is_held_back() -> None:
    """A clock that is off ages nothing: the event is admitted only when others confirm the jump."""
    guard = AheadGuard(DAY)
    assert guard.admit(np.arange(100) * HOUR).all()
    assert guard.admit(np.array([400 * DAY, 100 * HOUR])).tolist() == [False, True]
    assert guard.newest == 100 * HOUR
    late = np.concatenate([[400 * DAY], 400 * DAY + np.arange(CONFIRMED_BY - 1) * HOUR])
    assert guard.admit(late).all()
    assert guard.newest == 400 * DAY + (CONFIRMED_BY - 2) * HOUR


def test_a_stray_first_event_ages_nothing() -> None:
    """In a first batch, too, the few events after a long gap wait."""
    guard = AheadGuard(DAY)
    times = np.concatenate([np.arange(50) * HOUR, [9000 * DAY]])
    assert guard.admit(times).sum() == 50


def test_time_may_go_back() -> None:
    """Late events are always believed."""
    guard = AheadGuard(DAY)
    guard.admit(np.array([90 * DAY]))
    assert guard.admit(np.array([5 * DAY, 3 * DAY])).all()
