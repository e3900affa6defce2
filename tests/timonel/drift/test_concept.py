"""Concept detectors: one suite of promises for all, and the run length and delay of ESR."""

import doctest
import json
import math
import random
import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from scripts import script
from timonel.drift.concept import ADWIN, ESR, ConceptDetector, esr
from timonel.drift.concept.binomial import upper_limit
from timonel.errors import BadInput, Unavailable

Make = Callable[[], ConceptDetector]
DETECTORS = [
    pytest.param(lambda: ESR(arl=2000, baseline=0.1), id="ESR-given"),
    pytest.param(lambda: ESR(arl=2000, learn=300), id="ESR-learnt"),
    pytest.param(ADWIN, id="ADWIN"),
]


def errors(before: float, after: float, n: int = 3000, seed: int = 1) -> list[float]:
    rng = random.Random(seed)
    rates = [before] * (n // 2) + [after] * (n - n // 2)
    return [float(rng.random() < rate) for rate in rates]


def alarms(detector: ConceptDetector, losses: list[float]) -> list[int]:
    found = []
    for i, loss in enumerate(losses):
        detector.update(loss)
        if detector.drift_detected:
            found.append(i)
    return found


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    """The vectorised detectors of the benchmark."""
    return script("benchmarks/concept.py")


@pytest.mark.parametrize("make", DETECTORS)
def test_a_detector_finds_a_rise_and_repeats_itself(make: Make) -> None:
    """Two detectors on one stream alarm at the same indices, after the change."""
    losses = errors(0.1, 0.5)
    first, second = alarms(make(), losses), alarms(make(), losses)
    assert first == second
    assert 1500 < first[0] < 1700


@pytest.mark.parametrize("make", DETECTORS)
def test_reset_forgets_everything(make: Make) -> None:
    """After a reset the detector is as a new one, its state included."""
    losses, detector = errors(0.1, 0.5), make()
    alarms(detector, losses[:1700])
    detector.reset()
    assert detector.state_dict() == make().state_dict()
    assert alarms(detector, losses) == alarms(make(), losses)


@pytest.mark.parametrize("make", DETECTORS)
@pytest.mark.parametrize("cut", [0, 1, 150, 300, 1499, 1530, 1560, 2500])
def test_a_saved_state_has_the_same_future(make: Make, cut: int) -> None:
    """A detector restored from JSON in mid-stream ends as the one that never stopped."""
    losses, whole, restored = errors(0.1, 0.5), make(), make()
    alarms(whole, losses[:cut])
    restored.load_state_dict(json.loads(json.dumps(whole.state_dict())))
    assert restored.drift_detected == whole.drift_detected
    assert alarms(restored, losses[cut:]) == alarms(whole, losses[cut:])
    assert restored.state_dict() == whole.state_dict()


@pytest.mark.parametrize("make", DETECTORS)
def test_missing_losses_are_ignored_and_counted(make: Make) -> None:
    """NaN and None change nothing but their count, and clear a past alarm as any update does."""
    losses = errors(0.1, 0.5)
    clean, holed = make(), make()
    for loss in losses:
        clean.update(loss)
        holed.update(loss)
        assert holed.drift_detected == clean.drift_detected
        holed.update(math.nan)
        assert not holed.drift_detected
        holed.update(None)
    assert (holed.n, holed.n_ignored) == (3000, 6000)
    assert holed.state_dict()["n"] == clean.state_dict()["n"]


@pytest.mark.parametrize("make", DETECTORS)
@pytest.mark.parametrize("loss", [-0.01, 1.01, math.inf, -math.inf, 1e308])
def test_a_loss_outside_its_range_is_refused(make: Make, loss: float) -> None:
    """Anything but 0 to 1 is an error that leaves the detector as it was."""
    detector = make()
    detector.update(0.5)
    before = detector.state_dict()
    with pytest.raises(BadInput, match="expected a number from 0 to 1"):
        detector.update(loss)
    assert detector.state_dict() == before


@pytest.mark.parametrize("make", DETECTORS)
def test_a_state_of_another_detector_is_refused(make: Make) -> None:
    """A state is taken up only by a detector of the same kind and settings."""
    other = ESR(arl=77, baseline=0.3).state_dict()
    with pytest.raises(BadInput, match="the saved state is of"):
        make().load_state_dict(other)
    broken = make().state_dict()
    del broken["state"]
    with pytest.raises(BadInput, match="is not whole"):
        make().load_state_dict(broken)


@pytest.mark.parametrize("make", DETECTORS)
def test_false_alarms_are_rare(make: Make) -> None:
    """On 60 streams of 2,000 errors without a change there are at most as many alarms as promised.

    At a run length of 2,000 the 60 streams may have 60 alarms on average; 80 is 2.6 standard deviations more.
    """
    found = sum(len(alarms(make(), errors(0.1, 0.1, 2000, seed))) for seed in range(60))
    assert found <= 80


@pytest.mark.parametrize("make", DETECTORS)
def test_bool_and_numpy_losses_count_as_numbers(make: Make) -> None:
    """An error may be True, 1, 1.0 or a numpy scalar."""
    one, two = make(), make()
    for loss in (True, 0, np.float32(1), np.bool_(False)):
        one.update(loss)
        two.update(float(loss))
    assert one.state_dict() == two.state_dict()


def test_the_example_in_the_docstring_holds() -> None:
    """The alarm indices that the documentation shows are those of the code."""
    result = doctest.testmod(esr)
    assert result.attempted > 5
    assert result.failed == 0


def test_the_simulation_is_the_detector(simulation: ModuleType) -> None:
    """The vectorised detectors alarm at the same index as `ESR` does."""
    losses = np.array([errors(0.1, 0.2, 4000, seed) for seed in range(8)])
    streams = simulation.Streams.of(np.full(8, 0.1), 1000.0)
    steps = np.array([streams.step(row) for row in losses.T])
    for i, row in enumerate(losses):
        assert alarms(ESR(arl=1000, baseline=0.1), row.tolist())[0] == np.argmax(steps[:, i])


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("learnt", [False, True])
def test_the_mean_run_length_is_at_least_the_one_asked_for(
    simulation: ModuleType, rate: float, learnt: bool
) -> None:
    """The mean of 1,000 runs, each cut off at 5 times the length asked for, is not below it (99.9 %)."""
    rng = np.random.default_rng(11)
    settings = simulation.baselines_and_threshold(rate, 1000, 1000, learnt, rng)
    lengths = simulation.run_lengths(simulation.bernoulli(rate, rng), *settings, 5000)
    assert lengths.mean() > 1000 - 3.1 * lengths.std() / math.sqrt(1000)


def test_the_run_length_holds_for_losses_between_0_and_1() -> None:
    """With a baseline learnt from continuous losses the mean run of 60 is at least as asked."""
    lengths = []
    for seed in range(60):
        rng, detector = np.random.default_rng(seed), ESR(arl=500, learn=200)
        found = alarms(detector, rng.beta(0.2, 0.8, 3000).tolist())
        lengths.append(found[0] if found else 3000)
    assert np.mean(lengths) > 500


@pytest.mark.parametrize("learnt", [False, True])
def test_a_doubled_error_rate_is_found_in_200_losses(simulation: ModuleType, learnt: bool) -> None:
    """From 10 to 20 % errors the median delay is at most 200 at a run length of 100,000."""
    rng = np.random.default_rng(5)
    settings = simulation.baselines_and_threshold(0.1, 100_000, 2000, learnt, rng)
    found = simulation.run_lengths(simulation.changing(0.1, 0.2, rng), *settings, 6000)
    delay = found[found > simulation.HEALTHY] - simulation.HEALTHY
    assert np.median(delay) <= 200
    assert len(delay) > 1850


def test_labels_in_prediction_order_keep_the_run_length(simulation: ModuleType) -> None:
    """Slow labels of errors, fed once mature in prediction order, raise no alarm; in arrival order all do."""
    early = {"prediction": 0, "arrival": 0}
    for seed in range(12):
        stream = simulation.Arrivals.draw(0.1, 12_000, np.random.default_rng(seed))
        in_order = {
            "prediction": stream.in_prediction_order(3000),
            "arrival": stream.in_arrival_order(),
        }
        for order, losses in in_order.items():
            early[order] += bool(alarms(ESR(arl=10_000), losses[:6000].tolist()))
    assert early["prediction"] <= 6
    assert early["arrival"] == 12


def test_a_learnt_baseline_does_not_follow_a_slow_drift() -> None:
    """A rise from 10 to 30 % over 20,000 losses is found, though each step is small."""
    rng = np.random.default_rng(3)
    rates = np.concatenate([np.full(1000, 0.1), np.linspace(0.1, 0.3, 20_000)])
    found = alarms(ESR(), (rng.random(len(rates)) < rates).astype(float).tolist())
    assert found
    assert rates[found[0]] < 0.2


def test_while_a_drift_lasts_the_alarm_comes_again() -> None:
    """Each alarm starts a new search against the same baseline."""
    detector = ESR(baseline=0.1)
    assert len(alarms(detector, errors(0.5, 0.5))) > 20
    assert detector.baseline == 0.1


def test_a_stream_of_errors_only_or_of_none_is_learnt() -> None:
    """If all were wrong nothing is worse, and if none was the baseline still is above 0."""
    always, never = ESR(learn=50), ESR(learn=50, arl=1000)
    assert alarms(always, [1.0] * 5000) == []
    assert always.baseline == 1
    assert alarms(never, [0.0] * 5000) == []
    assert never.baseline == pytest.approx(1 - (1 / 3) ** (1 / 50))
    assert alarms(never, [1.0] * 10) != []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ESR(arl=0), "arl is 0"),
        (lambda: ESR(arl=math.nan), "arl is nan"),
        (lambda: ESR(baseline=0.0), "baseline is 0"),
        (lambda: ESR(baseline=1.0), "baseline is 1"),
        (lambda: ESR(learn=0), "learn is 0"),
        (lambda: ADWIN(delta=0), "delta is 0"),
        (lambda: ADWIN(clock=0), "clock is 0"),
    ],
)
def test_impossible_settings_are_named(make: Make, says: str) -> None:
    """The message names the setting and its value."""
    with pytest.raises(BadInput, match=says):
        make()


def test_without_river_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADWIN is an extra; ESR needs nothing."""
    monkeypatch.setitem(sys.modules, "river.drift", None)
    with pytest.raises(Unavailable, match=r"timonel\[river\]"):
        ADWIN()


def test_adwin_sees_a_fall_and_a_state_of_another_river_is_refused() -> None:
    """ADWIN is two-sided, and its state belongs to one layout of river's classes."""
    detector = ADWIN()
    assert alarms(detector, errors(0.5, 0.1))[0] > 1500
    state = json.loads(json.dumps(detector.state_dict()))
    state["state"]["window"]["layout"] += 1
    with pytest.raises(BadInput, match="installed version of river"):
        ADWIN().load_state_dict(state)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 1000), (500, 1000), (999, 1000)])
def test_the_upper_limit_is_exact(k: int, n: int) -> None:
    """It is the quantile of the beta distribution that Clopper and Pearson give."""
    from scipy.stats import beta

    assert upper_limit(k, n, 0.75) == pytest.approx(beta.ppf(0.75, k + 1, n - k), abs=1e-9)
    assert upper_limit(n, n, 0.75) == 1
