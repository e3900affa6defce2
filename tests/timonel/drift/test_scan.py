"""The scan: its effects, its episodes, its error rates, and what it makes of odd windows."""

import json
import math
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from scripts import script
from timonel.anomalies.anomaly import Phase, Severity
from timonel.drift import Episode, History, Scan, Window, data_drift_score
from timonel.drift.scan import effects
from timonel.drift.scan.effects import Kind
from timonel.drift.scan.pools import Scale
from timonel.drift.scan.replay import poisson_interval
from timonel.drift.scan.thresholds import fit_tail, peaks
from timonel.drift.scan.windows import DAY, HOUR, WINDOW, slots
from timonel.errors import BadInput, Corrupt
from timonel.faults import CategoryRename, Healthy, NullBurst, UnitChange
from timonel.performance.value import State
from timonel.reference.bins import CELLS, NULL, OTHER, Bins, CategoryBins, NumericBins

A_DAY = 96
FEATURES = 6


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The simulator of the benchmark."""
    return script("benchmarks/scan.py")


@pytest.fixture(scope="module")
def traffic(bench: ModuleType) -> History:
    """42 days of 5 numbers and a category, without drift."""
    drawn = bench.Traffic(features=FEATURES, categorical=1, rows=100).draw(42, seed=1)
    history: History = drawn.history(np.random.default_rng(2))
    return history


@pytest.fixture(scope="module")
def fitted(traffic: History) -> dict[str, Any]:
    """A scan fitted on its first 28 days, saved: each test restores its own."""
    return Scan.fit(traffic.take(slice(0, 28 * A_DAY))).to_dict()


@pytest.fixture
def scan(fitted: dict[str, Any]) -> Scan:
    """That scan."""
    return Scan.from_dict(fitted)


@pytest.fixture
def later(traffic: History) -> History:
    """The two weeks after its history."""
    return traffic.take(slice(28 * A_DAY, None))


def moved(history: History, feature: int, cells: int, since: int = 0) -> History:
    """A number whose rows lie some bins higher from a window on."""
    counts = history.counts.copy()
    values = counts[since:, feature, :40].copy()
    counts[since:, feature, :40] = 0
    counts[since:, feature, cells:40] = values[:, : 40 - cells]
    counts[since:, feature, 39] += values[:, 40 - cells :].sum(1)
    return History(history.time, counts, history.bins)


def nulls(history: History, feature: int, share: float, since: int, until: int) -> History:
    """A feature that loses a share of its values for a while."""
    counts = history.counts.copy()
    part = counts[since:until, feature]
    lost = np.round(part * share).astype(np.int32)
    lost[:, NULL] = 0
    counts[since:until, feature] = part - lost
    counts[since:until, feature, NULL] += lost.sum(1)
    return History(history.time, counts, history.bins)


def tally(bins: Bins, values: np.ndarray) -> np.ndarray:
    """The counts of values, or of category codes."""
    cells = bins.codes(values) if isinstance(bins, NumericBins) else values
    return np.bincount(cells, minlength=CELLS)


# Effects


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.25, 0.5, 1.0])
def test_the_effect_of_a_shift_is_its_size_in_sd(shift: float) -> None:
    """With many rows within 5 %; with few rather less, since the noise is taken off."""
    rng = np.random.default_rng(3)
    bins = (NumericBins.fit("x", rng.normal(10, 4, 50_000)),)
    reference = tally(bins[0], rng.normal(10, 4, 200_000))[None]
    many, few = (
        np.mean(
            [
                effects(tally(bins[0], rng.normal(10 + 4 * shift, 4, rows))[None], reference, bins)[
                    0
                ]
                for _ in range(100)
            ]
        )
        for rows in (30_000, 300)
    )
    assert many == pytest.approx(shift, rel=0.05, abs=0.01)
    assert many - 1.4 / math.sqrt(300) < few < many + 0.02


def test_the_effect_of_a_category_is_total_variation() -> None:
    """Half of the absolute differences of the shares, missing and unseen values included."""
    bins = (CategoryBins("c", ("a", "b")),)
    reference, window = np.zeros((1, CELLS), int), np.zeros((1, CELLS), int)
    reference[0, :2] = 600_000, 400_000
    window[0, [0, 1, OTHER, NULL]] = 400_000, 400_000, 150_000, 50_000
    assert effects(window, reference, bins)[0] == pytest.approx(0.2, abs=0.002)


def test_missing_values_of_a_number_are_seen() -> None:
    """A burst of nulls counts twice its share beside 1 sd, though no value moved."""
    rng = np.random.default_rng(4)
    bins = (NumericBins.fit("x", rng.normal(size=10_000)),)
    reference = tally(bins[0], rng.normal(size=100_000))[None]
    window = tally(bins[0], np.where(np.arange(20_000) < 4000, np.nan, rng.normal(size=20_000)))[
        None
    ]
    assert effects(window, reference, bins)[0] == pytest.approx(0.4, abs=0.01)
    nothing = np.zeros((1, CELLS), int)
    nothing[0, NULL] = 500
    assert effects(nothing, reference, bins)[0] == pytest.approx(2.0, abs=0.01)


def test_effects_of_many_windows_are_those_of_each() -> None:
    """Vectorised over any leading axes; NaN where a side has no rows, never 0."""
    rng = np.random.default_rng(5)
    bins: tuple[Bins, ...] = (NumericBins.fit("x", rng.normal(size=99)), CategoryBins("c", ("a",)))
    reference = rng.integers(0, 50, (2, CELLS))
    windows = rng.integers(0, 50, (3, 4, 2, CELLS))
    windows[1, 2, 0] = 0
    together = effects(windows, reference, bins)
    assert together.shape == (3, 4, 2)
    assert np.argwhere(np.isnan(together)).tolist() == [[1, 2, 0]]
    for i, j in np.ndindex(3, 4):
        np.testing.assert_allclose(together[i, j], effects(windows[i, j], reference, bins))


# Thresholds


def test_peaks_are_one_an_excursion() -> None:
    """An excursion above 1 lasts until it falls below .6; an unknown value does not end it."""
    x = np.array([0.5, 1.2, 0.8, 1.5, np.nan, 1.1, 0.5, 1.3, 0.7])
    assert peaks(x).tolist() == [1.5, 1.3]
    assert peaks(np.array([0.1, np.nan])).tolist() == []


def test_the_tail_knows_how_often_a_height_is_passed() -> None:
    """Of exponential peaks, 20 a day, the level of once in 30 days is found within 5 %."""
    found = 1 + np.random.default_rng(6).exponential(0.4, 20 * 1000)
    level = fit_tail(found, days=1000).level(1 / 30)
    assert level == pytest.approx(1 + 0.4 * math.log(20 * 30), rel=0.05)


def test_slots_are_hours_of_weekdays_and_weekends() -> None:
    """1970 began on a Thursday at midnight UTC: slot 0; its first Saturday at 5 h is slot 29."""
    assert slots(np.array([0, 2 * DAY + 5 * HOUR, 4 * DAY + 23 * HOUR])).tolist() == [0, 29, 23]


# Error rates


def test_false_alarms_stay_within_the_budget(bench: ModuleType) -> None:
    """120 days, 30 features, no drift: at most 1.5 episodes a month; the long version is the benchmark."""
    year = bench.Year.of(bench.Traffic(rows=50), 56, 120, seed=11)
    told = year.scan.replay(year.after)
    assert told.windows == 120 * A_DAY
    assert told.alarms_per_month.value <= 1.5


def test_drifts_are_found_in_hours(bench: ModuleType) -> None:
    """Median of 40 random onsets: .5 sd within 1 h, .25 sd within 6 h; the long version is the benchmark."""
    year = bench.Year.of(bench.Traffic(features=8), 28, 20, seed=12)
    rng = np.random.default_rng(12)
    quarter, half = (
        [bench.delay(year, bench.Drift("", shift=by), rng) for _ in range(40)] for by in (0.25, 0.5)
    )
    # None: an episode was open before
    assert np.median([h for h in half if h is not None]) <= 1.0
    assert np.median([h for h in quarter if h is not None]) <= 6.0


def test_seasons_alone_would_alarm_all_the_time(bench: ModuleType) -> None:
    """On the same traffic, windows tested one by one alarm in more than a tenth of the cases."""
    year = bench.Year.of(bench.Traffic(features=10), 28, 30, seed=13)
    found = bench.others(year)
    assert found["KS, Bonferroni, p < .05"][0] > 288
    assert found["PSI > .1"][0] > 288
    assert len(year.scan.replay(year.after).episodes) <= 2


def test_a_month_of_its_own_weeks_is_judged_without_them(scan: Scan, traffic: History) -> None:
    """The replay of the fit's history is held out, keeps the budget, and wants all of that history."""
    own = traffic.take(slice(0, 28 * A_DAY))
    told = scan.replay(own)
    assert told.held_out
    assert told.alarms_per_month.lower is not None
    assert told.alarms_per_month.lower <= scan.budget.false_alarms_per_month
    assert not scan.replay(traffic.take(slice(28 * A_DAY, None))).held_out
    with pytest.raises(BadInput, match="fitted on"):
        scan.replay(own.take(slice(0, 500)))


def test_an_outlier_week_is_judged_by_the_others(traffic: History) -> None:
    """A week that drifted within the history is told by the replay, not explained away by itself."""
    counts = moved(traffic, 0, 12).counts
    week = slice(14 * A_DAY, 21 * A_DAY)
    mixed = traffic.counts.copy()
    mixed[week] = counts[week]
    history = History(traffic.time, mixed, traffic.bins)
    told = Scan.fit(history).replay(history)
    assert [e.feature for e in told.episodes] == ["x0"]


def test_the_poisson_interval_is_exact() -> None:
    """Garwood's limits, as tabulated."""
    assert poisson_interval(0) == pytest.approx((0.0, 3.689), abs=0.001)
    assert poisson_interval(10) == pytest.approx((4.795, 18.390), abs=0.001)


# Episodes


def test_an_episode_opens_worsens_and_clears_once(scan: Scan, later: History) -> None:
    """A statement for each severity and one at the end, whatever the number of windows."""
    growing = nulls(later, 1, 0.15, 4 * A_DAY, 6 * A_DAY)
    growing = nulls(growing, 1, 0.5, 6 * A_DAY, 7 * A_DAY)
    told = [e for e in scan.replay(growing).told if e.feature == "x1"]
    opened, *worse, cleared = told
    assert [e.state for e in told] == [Phase.OPEN, *[Phase.WORSE] * len(worse), Phase.CLEARED]
    assert [e.severity for e in worse][-2:] == [Severity.TICKET, Severity.PAGE][-len(worse) :]
    assert 0 < opened.opened - later.time[4 * A_DAY] <= 12 * HOUR
    assert 0 < worse[-1].updated - later.time[6 * A_DAY] <= HOUR
    assert cleared.opened == opened.opened
    assert cleared.peak > 0.9
    assert cleared.effect < 0.6 * cleared.threshold


def test_an_episode_says_what_happened(scan: Scan, later: History) -> None:
    """Direction, size, onset and missing values stand in the evidence."""
    since = 5 * A_DAY
    up = next(e for e in scan.replay(moved(later, 2, 8, since)).told if e.feature == "x2")
    assert up.evidence["shift_sd"] > 0.2
    assert abs(up.since - later.time[since]) <= 2 * HOUR
    assert up.opened - later.time[since] <= 2 * HOUR
    gone = next(e for e in scan.replay(nulls(later, 5, 0.4, since, since + 50)).told)
    assert gone.feature == "c5"
    assert gone.evidence["null_share"] > gone.evidence["null_share_reference"] + 0.1
    assert gone.evidence["cell"] == NULL
    assert json.loads(json.dumps(gone.to_dict()))["severity"] in {"ticket", "page"}
    assert Episode.from_dict(gone.to_dict()) == gone


def test_updates_tell_what_a_replay_tells(scan: Scan, later: History) -> None:
    """Window by window, stopped, saved as JSON and restored midway: the same statements."""
    drifted = nulls(moved(later, 3, 6, 3 * A_DAY), 5, 0.3, 5 * A_DAY, 6 * A_DAY)
    told: list[Episode] = []
    for t in range(8 * A_DAY):
        if t in (3 * A_DAY + 20, 5 * A_DAY + 7):
            scan = Scan.from_dict(json.loads(json.dumps(scan.to_dict())))
        told += scan.update(drifted[t])
    expected = scan.replay(drifted.take(slice(0, 8 * A_DAY))).told
    assert len(told) >= 3
    assert [_key(e) for e in told] == [_key(e) for e in expected]
    assert [e.effect for e in told] == pytest.approx([e.effect for e in expected])
    assert [e.feature for e in scan.open] == ["x3"]


def test_many_windows_at_once_are_as_one_by_one(scan: Scan, later: History) -> None:
    """Catching up in uneven portions, the last in disorder, tells what updates tell and goes on alike."""
    drifted = nulls(moved(later, 3, 6, 3 * A_DAY), 5, 0.3, 4 * A_DAY, 5 * A_DAY)
    other = Scan.from_dict(scan.to_dict())
    told = [e for t in range(6 * A_DAY) for e in scan.update(drifted[t])]
    portions = [slice(0, 7), slice(7, 4 * A_DAY), slice(4 * A_DAY, None)]
    caught = [e for p in portions[:2] for e in other.catch_up(drifted.take(p))]
    rest = np.arange(6 * A_DAY - 1, 4 * A_DAY - 1, -1)
    caught += other.catch_up(drifted.take(rest))
    assert [_key(e) for e in caught] == [_key(e) for e in told]
    assert len(told) >= 3
    assert other.to_dict()["recent"] == scan.to_dict()["recent"]
    assert other.catch_up(drifted.take(slice(0, 0))) == []


def test_a_plain_scan_widens_to_what_is_usual(traffic: History, later: History) -> None:
    """Swings that the first days show stop alarming; a feature that has long drifted stays as it was."""
    scan = Scan.plain(traffic.counts.sum(0, dtype=np.int64), traffic.bins)
    drifted = moved(later, 0, 20).take(slice(0, 4 * A_DAY))
    scan.catch_up(drifted)
    assert "x0" in {e.feature for e in scan.open}
    before = scan.calibration.limits.floor.copy()
    wild = moved(moved(later, 0, 20), 1, 15, A_DAY).take(slice(0, 2 * A_DAY))
    scan.widen(wild)
    own = scan.calibration.tracks
    np.testing.assert_array_equal(scan.calibration.limits.floor[own == 0], before[own == 0])
    assert scan.calibration.limits.floor[own == 1].max() > before[own == 1].max()


def test_a_scan_that_knows_nothing_tells_pages_alone(traffic: History, later: History) -> None:
    """Before anything usual is known a moderate shift is not told, a gross one is; widening ends that."""
    scan = Scan.plain(traffic.counts.sum(0, dtype=np.int64), traffic.bins)
    scan.tell_pages_alone()
    day = moved(moved(later, 0, 6), 1, 30).take(slice(0, A_DAY))
    assert {e.feature for e in scan.catch_up(day)} == {"x1"}
    pages = scan.calibration.limits.floor.copy()
    scan.widen(later.take(slice(0, A_DAY)))
    assert (scan.calibration.limits.floor < pages).any()


def _key(episode: Episode) -> tuple[object, ...]:
    return (
        episode.feature,
        episode.state,
        episode.opened,
        episode.updated,
        episode.scale,
        episode.n,
    )


def test_importance_moves_the_gates(traffic: History) -> None:
    """A feature of twice the mean importance is told of half the effect; of none, twice, never silence."""
    few = traffic.take(slice(0, 28 * A_DAY))
    weights = {"x0": 4.0, "x1": 0.0, "x2": 2.0}
    gates = Scan.fit(few, weights).calibration.gates
    assert gates[:4, 0] == pytest.approx([0.05, 0.2, 0.1, 0.1])
    assert gates[5] == pytest.approx([0.05, 0.1, 0.25])
    with pytest.raises(BadInput, match="x9"):
        Scan.fit(few, {"x9": 1.0})


# Too little history


def test_a_short_history_says_so_and_stays_quiet(traffic: History) -> None:
    """Less than 28 days: no budget is promised, and the daily swing alone does not alarm."""
    scan = Scan.fit(traffic.take(slice(0, 7 * A_DAY)))
    assert not scan.budget.kept
    assert "28 are needed" in str(scan.budget)
    assert len(scan.replay(traffic.take(slice(7 * A_DAY, None))).episodes) <= 2
    told = scan.replay(moved(traffic, 0, 20, 10 * A_DAY)).told
    assert [e.feature for e in told if e.severity is Severity.PAGE][:1] == ["x0"]


def test_a_plain_reference_needs_no_history(traffic: History) -> None:
    """Counts of the training data are enough to find a large drift."""
    scan = Scan.plain(traffic.counts.sum(0, dtype=np.int64), traffic.bins)
    assert not scan.budget.kept
    found = scan.replay(moved(traffic.take(slice(0, 5 * A_DAY)), 0, 20, 3 * A_DAY)).told
    assert "x0" in {e.feature for e in found if e.severity is Severity.PAGE}
    with pytest.raises(BadInput, match="shape"):
        Scan.plain(traffic.counts[0, :2], traffic.bins)


def test_28_days_with_traffic_on_few_of_them_are_too_little(traffic: History) -> None:
    """The span alone is not history."""
    few = traffic.take(np.r_[0:A_DAY, 27 * A_DAY : 28 * A_DAY])
    assert not Scan.fit(few).budget.kept


# Odd windows


def test_order_and_repetition_of_windows_do_not_matter(scan: Scan, later: History) -> None:
    """Late within the day: in its place. Sent twice, or again with more rows: the last counts."""
    other = Scan.from_dict(scan.to_dict())
    drifted = moved(later, 0, 10, 40)
    for t in range(60):
        scan.update(drifted[t])
    for t in [*range(0, 60, 2), *range(1, 60, 2), *range(50, 60)]:
        window = drifted[t]
        other.update(replace(window, counts=window.counts // 2))
        other.update(window)
    assert other.to_dict()["recent"] == scan.to_dict()["recent"]
    assert [e.feature for e in scan.open] == [e.feature for e in other.open] == ["x0"]
    assert scan.open[0].effect == pytest.approx(other.open[0].effect)


def test_a_history_may_be_shuffled_and_hold_windows_twice(traffic: History) -> None:
    """The fit is the same, the last of equal starts counts."""
    few = traffic.take(slice(0, 28 * A_DAY))
    at = np.random.default_rng(1).permutation(len(few.time))
    wrong = History(few.time[:5], few.counts[:5] * 3, few.bins)
    mixed = History(
        np.concatenate([wrong.time, few.time[at]]),
        np.concatenate([wrong.counts, few.counts[at]]),
        few.bins,
    )
    assert Scan.fit(mixed).to_dict() == Scan.fit(few).to_dict()


def test_too_late_and_unknown_are_counted(scan: Scan, later: History) -> None:
    """A window older than a day and a feature nobody fitted change nothing, and are counted."""
    scan.update(later[200])
    before = scan.to_dict()["recent"]
    assert scan.update(later[200 - A_DAY]) == []
    assert scan.ignored == {"too late": 1}
    window = later[200]
    rows = np.concatenate([window.counts[::-1], window.counts[:1]])
    scan.update(Window(window.time, rows, (*later.features[::-1], "new")))
    assert scan.ignored["unknown feature"] == 1
    assert scan.to_dict()["recent"] == before


def test_silence_neither_opens_nor_clears(scan: Scan, later: History) -> None:
    """Missing and empty windows and absent features leave an open episode as it was."""
    drifted = moved(later, 0, 10)
    for t in range(30):
        scan.update(drifted[t])
    before = scan.open
    assert [e.feature for e in before] == ["x0"]
    empty = np.zeros((FEATURES, CELLS), np.int32)
    assert scan.update(Window(int(later.time[30 + 4 * A_DAY]), empty)) == []
    names = later.features[1:]
    t = 31 + 4 * A_DAY
    assert scan.update(Window(int(later.time[t]), later.counts[t, 1:], names)) == []
    assert scan.open == before


def test_the_first_windows_after_a_start_open_no_long_pools(scan: Scan, later: History) -> None:
    """A day's pool with two windows in it is no day."""
    for t in range(2):
        scan.update(later[t])
    found = scan.calibration.pools(later.take(slice(0, 60))).effects
    assert np.isnan(found[:20, :, 2]).all()
    assert np.isfinite(found[59]).all()


def test_wrong_shapes_are_refused(scan: Scan, later: History) -> None:
    """Each with what was expected."""
    counts = later.counts[0]
    with pytest.raises(BadInput, match="multiple of 15 minutes"):
        Window(7, counts)
    with pytest.raises(BadInput, match="42"):
        Window(0, counts[:, :10])
    with pytest.raises(BadInput, match="integers"):
        Window(0, counts * 1.0)
    with pytest.raises(BadInput, match="0 or more"):
        Window(0, counts - 9999)
    with pytest.raises(BadInput, match="expected 6"):
        scan.update(Window(0, counts[:2]))
    with pytest.raises(BadInput, match="unique"):
        History(later.time, later.counts, (later.bins[0],) * FEATURES)
    with pytest.raises(BadInput, match="features"):
        scan.replay(History(later.time, later.counts[:, :2], later.bins[:2]))
    with pytest.raises(BadInput, match="budget"):
        Scan.fit(later, false_alarms_per_month=0)


def test_what_is_no_saved_scan_is_refused(fitted: dict[str, Any]) -> None:
    """Another format or a part missing: Corrupt, not a scan that guesses."""
    with pytest.raises(Corrupt, match="format"):
        Scan.from_dict(fitted | {"format": 99})
    with pytest.raises(Corrupt, match="no saved scan"):
        Scan.from_dict({key: value for key, value in fitted.items() if key != "open"})


def test_nothing_to_read_is_no_error(scan: Scan, later: History) -> None:
    """An empty history and one without features are defined."""
    nothing = scan.replay(later.take(slice(0, 0)))
    assert nothing.alarms_per_month.state is State.NO_DATA
    assert str(nothing) == "no window was replayed"
    bare = History(np.arange(3) * WINDOW, np.zeros((3, 0, CELLS), np.int32), ())
    assert Scan.fit(bare).replay(bare).episodes == ()


def test_the_scores_are_a_feature_like_others(traffic: History) -> None:
    """Prediction drift: bins of scores, under any name."""
    rng = np.random.default_rng(8)
    bins = (NumericBins.fit("the model's score", rng.beta(2, 8, 10_000)),)
    counts = np.stack([tally(bins[0], rng.beta(2, 8, 80))[None] for _ in traffic.time])
    history = History(traffic.time, counts.astype(np.int32), bins)
    scan = Scan.fit(history.take(slice(0, 28 * A_DAY)))
    found = scan.replay(moved(history.take(slice(30 * A_DAY, None)), 0, 8, 2 * A_DAY)).told
    assert found[0].feature == "the model's score"
    assert found[0].scale in Scale


def test_a_year_of_thirty_features_takes_seconds() -> None:
    """35,040 windows against their slots, one feature of the thirty in less than a second."""
    rng = np.random.default_rng(9)
    times = np.arange(365 * A_DAY, dtype=np.int64) * WINDOW
    counts = rng.poisson(3, (len(times), 1, CELLS)).astype(np.int32)
    counts[:, :, 40:] = 0
    history = History(times, counts, (NumericBins.fit("x", rng.normal(size=1000)),))
    scan = Scan.fit(history.take(slice(0, 28 * A_DAY)))
    started = time.process_time()
    scan.calibration.pools(history)
    assert time.process_time() - started < 1.0


# One number


def _features(rng: np.random.Generator, rows: int, shift: float) -> np.ndarray:
    values = rng.normal(size=(3, rows))
    values[1] += shift
    category = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    return np.stack([*(tally(BINS[j], values[j]) for j in range(3)), tally(BINS[3], category)])


BINS: tuple[Bins, ...] = (
    *(NumericBins.fit(f"x{j}", np.random.default_rng(j).normal(size=20_000)) for j in range(3)),
    CategoryBins("c", ("a", "b", "c")),
)


@pytest.mark.parametrize(("shift", "rows"), [(0.0, 1000), (0.1, 1000), (0.5, 300), (0.5, 5000)])
def test_the_score_covers_the_largest_effect(shift: float, rows: int) -> None:
    """Its 95 % interval holds the distance of the two laws, in the bins, in 95 % of 200 windows."""
    rng = np.random.default_rng(10)
    laws = _features(rng, 1_000_000, shift), _features(rng, 1_000_000, 0.0)
    truth = float(data_drift_score(*laws, BINS)) if shift else 0.0
    found = [
        data_drift_score(_features(rng, rows, shift), _features(rng, 10_000, 0.0), BINS)
        for _ in range(200)
    ]
    covered = [
        m.lower is not None and m.upper is not None and m.lower <= truth <= m.upper for m in found
    ]
    assert np.mean(covered) >= 0.95
    assert all(m.n == rows for m in found)


def test_the_score_puts_both_kinds_on_one_scale() -> None:
    """A total variation of .1 counts as .2 sd does."""
    reference, window = (_features(np.random.default_rng(s), 200_000, 0.0) for s in (1, 2))
    window[3, :2] += np.array([-20_000, 20_000])
    assert float(data_drift_score(window, reference, BINS)) == pytest.approx(0.2, abs=0.02)


def test_the_score_says_when_it_cannot_be_said() -> None:
    """No rows and too few rows are states, not zeros."""
    rng = np.random.default_rng(3)
    reference, nothing = _features(rng, 1000, 0.0), np.zeros((4, CELLS), int)
    assert data_drift_score(nothing, reference, BINS).state is State.NO_DATA
    assert data_drift_score(reference, nothing, BINS).state is State.NO_DATA
    assert data_drift_score(_features(rng, 20, 0.0), reference, BINS).state is State.TOO_FEW
    assert data_drift_score(np.zeros((0, CELLS), int), np.zeros((0, CELLS), int), ()).n == 0


def test_nulls_are_seen_however_restless_the_values(bench: ModuleType) -> None:
    """Each distance has its own limit: wild values do not hide a burst of nulls."""
    wild = bench.Traffic(features=2, categorical=0, rows=100, wander=0.5, memory=0.97)
    history = wild.draw(35, seed=5).history(np.random.default_rng(6))
    scan = Scan.fit(history.take(slice(0, 28 * A_DAY)))
    told = scan.replay(nulls(history.take(slice(28 * A_DAY, None)), 0, 0.2, 200, 300)).told
    first = next(e for e in told if e.measure is Kind.PRESENCE)
    assert (first.feature, first.state) == ("x0", Phase.OPEN)
    assert 0 < first.opened - history.time[28 * A_DAY + 200] <= 2 * HOUR
    limits = scan.calibration.limits.at(np.full((4, 3), 400.0))
    assert limits[0, 0] > 3 * limits[1, 0]


# A log with known incidents


@pytest.fixture(scope="module")
def log() -> pa.Table:
    """Six weeks of a healthy model: seasons, a slow wandering of all features, entities that come back."""
    return Healthy(rows=150_000, days=42, numeric=3).table(np.random.default_rng(21))


LOG_BINS = ("amount", "f2", "f3", "score", "channel", "country")


def counted(table: pa.Table, bins: tuple[Bins, ...]) -> History:
    """The windows of a log."""
    starts = table["event_time"].cast(pa.int64()).to_numpy() // WINDOW * WINDOW
    times, at = np.unique(starts, return_inverse=True)
    counts = np.zeros((len(times), len(bins), CELLS), np.int32)
    for j, feature in enumerate(bins):
        if isinstance(feature, NumericBins):
            cells = feature.codes(pc.fill_null(table[feature.name], np.nan).to_numpy())
        else:
            column = table[feature.name].combine_chunks().dictionary_encode()
            codes = pc.fill_null(column.indices, -1).to_numpy()
            cells = feature.codes(tuple(column.dictionary.to_pylist()), codes)
        np.add.at(counts, (at, j, cells), 1)
    return History(times, counts, bins)


def binned(table: pa.Table) -> tuple[Bins, ...]:
    """Bins of the features and of the score."""
    numbers = [NumericBins.fit(name, table[name].to_numpy()) for name in LOG_BINS[:4]]
    return (
        *numbers,
        *(CategoryBins.fit(name, Counter(table[name].to_pylist())) for name in LOG_BINS[4:]),
    )


def test_incidents_in_a_log_are_told_by_their_feature(log: pa.Table) -> None:
    """A unit change, a null burst and a renamed category are found, the healthy weeks are quiet."""
    bins = binned(log.slice(0, 50_000))
    history = counted(log, bins)
    weeks = history.take(history.time < history.time[0] + 35 * DAY)
    scan = Scan.fit(weeks)
    after = history.take(history.time >= history.time[0] + 35 * DAY)
    assert len(scan.replay(after).episodes) <= 1
    start = datetime(2026, 2, 12, tzinfo=UTC)
    incidents = {
        "amount": UnitChange(columns=("amount",), onset=start),
        "f2": NullBurst(columns=("f2",), onset=start),
        "country": CategoryRename(columns=("country",), onset=start),
    }
    for feature, incident in incidents.items():
        broken = counted(incident.apply(log, np.random.default_rng(1)).table, bins)
        told = scan.replay(broken.take(broken.time >= after.time[0])).told
        first = next(e for e in told if e.feature == feature)
        onset = int(start.timestamp() * 1e6)
        assert 0 < first.opened - onset <= 24 * HOUR
