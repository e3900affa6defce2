"""The choice of the rows to learn from, in worlds whose best window is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from timonel.errors import BadInput
from timonel.retraining.window import (
    Floats,
    Lesson,
    Losses,
    age_weights,
    choose_window,
    drawn,
    folds,
)
from timonel.terms import Window

DAY = timedelta(days=1)
START = datetime(2025, 1, 1, tzinfo=UTC)
MICROS = int(START.timestamp() * 1e6)


def times_of(n: int, days: int) -> np.ndarray:
    """Evenly spread over so many days."""
    return MICROS + np.linspace(0, days * 86_400e6, n).astype(np.int64)


def rate_learner(y: Floats, given: list[tuple[Lesson, slice]] | None = None) -> Losses:
    """Learns the weighted rate of positives; its loss is the log loss."""

    def losses(taught: Lesson, rows: slice) -> Floats:
        if given is not None:
            given.append((taught, rows))
        p = np.clip(np.average(y[taught.rows], weights=taught.weights), 0.01, 0.99)
        return np.asarray(-np.log(np.where(y[rows] == 1, p, 1 - p)))

    return losses


def world(before: float, after: float, n: int = 6000, seed: int = 0) -> Floats:
    """Outcomes whose rate changes at two thirds."""
    rng = np.random.default_rng(seed)
    rate = np.where(np.arange(n) < n * 2 // 3, before, after)
    return (rng.random(n) < rate).astype(np.float64)


def test_after_a_sharp_change_the_rows_after_it_are_chosen() -> None:
    """Old rows teach another rate."""
    times = times_of(6000, 90)
    choice = choose_window(times, START + 60 * DAY, DAY, rate_learner(world(0.1, 0.5)))
    assert choice.window is Window.RECENT
    assert choice.better_by is not None
    assert choice.better_by.lower is not None
    assert choice.better_by.lower > 0
    assert choice.losses[Window.RECENT] < choice.losses[Window.RESERVOIR]
    assert choice.losses[Window.RECENT].n == pytest.approx(1000, abs=2)


def test_a_change_within_the_newest_fifth_can_be_learnt_from_too() -> None:
    """The windows are judged by the newer half of what came after it."""
    times = times_of(6000, 90)
    y = np.concatenate([world(0.1, 0.1)[:5000], world(0.6, 0.6)[5000:]])
    choice = choose_window(times, START + 75 * DAY, DAY, rate_learner(y))
    assert choice.window is Window.RECENT
    assert choice.losses[Window.RECENT].n == pytest.approx(500, abs=2)


def test_without_a_change_all_rows_are_kept() -> None:
    """In ten worlds that stay no smaller window is surely better."""
    times = times_of(6000, 90)
    for seed in range(10):
        learner = rate_learner(world(0.3, 0.3, seed=seed))
        choice = choose_window(times, START + 60 * DAY, DAY, learner)
        assert choice.window is Window.ALL
        assert choice.better_by is None


def test_no_fold_learns_from_a_label_that_arrives_later() -> None:
    """Each fit sees rows older than its stretch by the labels' delay at least."""
    times, given = times_of(3000, 90), list[tuple[Lesson, slice]]()
    choose_window(times, START + 30 * DAY, 5 * DAY, rate_learner(world(0.3, 0.4, 3000), given))
    assert len(given) == 9
    for taught, rows in given:
        newest = times[taught.rows.max()]
        assert times[rows.start] - newest >= 5 * 86_400e6


def test_a_window_with_too_few_rows_is_no_candidate() -> None:
    """A change a day ago leaves all rows."""
    times = times_of(3000, 90)
    choice = choose_window(times, START + 89 * DAY, DAY, rate_learner(world(0.3, 0.4, 3000)))
    assert (choice.window, set(choice.losses)) == (Window.ALL, {Window.ALL})


def test_too_few_rows_to_choose_by_are_refused() -> None:
    """The message says how many there are."""
    with pytest.raises(BadInput, match="150 labelled rows"):
        choose_window(times_of(150, 9), START, DAY, rate_learner(world(0.3, 0.4, 150)))


def test_weights_halve_with_every_half_life() -> None:
    """And are 1 on average."""
    found = age_weights(times_of(91, 90), 30 * DAY)
    assert found.mean() == pytest.approx(1)
    assert found[-1] / found[-31] == pytest.approx(2)
    assert np.all(np.diff(found) > 0)


def test_folds_cover_the_newest_rows_once() -> None:
    """One after the other, up to the last row."""
    found = folds(times_of(1000, 10), timedelta(0))
    assert [(f.rows.start, f.rows.stop) for f in found] == [(800, 866), (866, 933), (933, 1000)]
    assert [f.known for f in found] == [800, 866, 933]


def test_a_drawing_repeats_and_stays_in_order() -> None:
    """At most as many as there are."""
    assert drawn(5, 9, 0).tolist() == [0, 1, 2, 3, 4]
    assert drawn(1000, 10, 3).tolist() == sorted(set(drawn(1000, 10, 3).tolist()))
    assert len(drawn(0, 5, 0)) == 0
