"""Learning: a monitor without a reference takes its first stable stretch, and says how far it is."""

import numpy as np
import pyarrow as pa
import pytest

from timonel import ModelMonitor
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
    assert learning.progress.restarts
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


def guard() -> AheadGuard:
    return AheadGuard(DAY, 35 * DAY)


def test_one_event_from_the_future_is_held_back() -> None:
    """A clock that is off ages nothing: the event is admitted only when others confirm the jump."""
    one = guard()
    assert one.admit(np.arange(100) * HOUR).all()
    assert one.admit(np.array([20 * DAY, 100 * HOUR])).tolist() == [False, True]
    assert one.newest == 100 * HOUR
    assert one.admit(20 * DAY + np.arange(CONFIRMED_BY - 1) * HOUR).all()
    assert one.newest == 20 * DAY + (CONFIRMED_BY - 2) * HOUR
    assert not len(one.held)


@pytest.mark.parametrize("batch", [1, 20, 5000])
def test_a_date_that_stands_for_none_is_never_believed(batch: int) -> None:
    """Dates centuries ahead that keep coming among others would expire all else: they stay held back."""
    times = np.arange(5000) * HOUR // 60
    times[7::50] = 60_000 * DAY
    one = guard()
    for start in range(0, len(times), batch):
        one.admit(times[start : start + batch])
    assert one.newest == times[-1]
    assert len(one.held) == 100


@pytest.mark.parametrize("batch", [20, 5000])
def test_traffic_that_comes_back_after_months_is_believed(batch: int) -> None:
    """Where all that comes lies beyond the jump, the time is the new one, however far."""
    times = np.arange(1000) * HOUR
    times[800:] += 300 * DAY
    one = guard()
    for start in range(0, len(times), batch):
        one.admit(times[start : start + batch])
    assert one.newest == times[-1]
    assert not len(one.held)


def test_slow_traffic_is_believed_at_its_own_pace() -> None:
    """Of one event in three days none is held back, though each is further ahead than max_ahead."""
    one = guard()
    one.admit(np.arange(CONFIRMED_BY) * 3 * DAY)
    for i in range(CONFIRMED_BY, 200):
        assert one.admit(np.array([i * 3 * DAY])).all()


@pytest.mark.parametrize("place", [0, 10, 19])
def test_a_stray_among_the_first_ages_nothing(place: int) -> None:
    """Where time begins is where most of the first events lie, the very first or not."""
    times = np.arange(CONFIRMED_BY) * HOUR
    times[place] = 9000 * DAY
    assert guard().admit(times).sum() == CONFIRMED_BY - 1


def test_time_may_go_back() -> None:
    """Late events are always believed."""
    one = guard()
    one.admit(90 * DAY + np.arange(50))
    assert one.admit(np.array([5 * DAY, 3 * DAY])).all()


def test_a_long_gap_after_few_days_is_survived() -> None:
    """Weeks may pass with hardly a reading: hours are compared with hours only where there are enough."""
    monitor = ModelMonitor()
    for start in (0, 40):
        rng = np.random.default_rng(start)
        time = 1.75e9 + 86_400 * (start + np.sort(rng.random(4000)) * 2)
        monitor.track_batch(
            {"prediction": rng.integers(0, 2, 4000), "timestamp": time, "x": rng.normal(size=4000)}
        )
        found = monitor.detect_anomalies()
    assert all(anomaly.what for anomaly in found)
    assert monitor.calculate_metrics("3d").n == 4000
