"""When an alarm of the error rate is over, by simulated streams."""

import numpy as np
import pytest

from timonel.retraining.loss import BLOCK, OVER, Calm

USUAL = 0.133
STREAMS = 400


def over_after(rates: list[tuple[int, float]], seed: int) -> int | None:
    """So many predictions after the alarm it is over; the stream has stretches of a rate each."""
    rng, calm = np.random.default_rng(seed), Calm(USUAL)
    wrong = np.concatenate([rng.random(n) < rate for n, rate in rates])
    return next((i + 1 for i, one in enumerate(wrong.tolist()) if calm.see(one)), None)


def test_a_mild_rise_that_lasts_is_seldom_over_by_chance() -> None:
    """Three points above usual for 20,000 predictions: over in at most one stream in ten."""
    ended = sum(over_after([(20_000, 0.165)], seed) is not None for seed in range(STREAMS))
    assert ended <= STREAMS * 0.1


@pytest.mark.parametrize("lasted", [1000, 6000])
def test_what_was_mended_is_over_within_half_of_its_time(lasted: int) -> None:
    """And not before: nine in ten streams at the healthy rate, a little under the usual limit."""
    most = lasted + max(lasted // 2, OVER + 5 * BLOCK)
    found = [over_after([(lasted, 0.4), (lasted + 2000, 0.127)], seed) for seed in range(STREAMS)]
    assert all(at is None or at > lasted for at in found)
    assert sum(at is not None and at <= most for at in found) >= STREAMS * 0.9


def test_errors_that_are_never_usual_are_never_over() -> None:
    """Nor is anything before it could be looked at."""
    assert over_after([(5000, 1.0)], 0) is None
    assert over_after([(OVER - 1, 0.0)], 0) is None
    assert over_after([(OVER, 0.0)], 0) == OVER
