"""The governor as a policy of a backtest: what it does with the alarms, the labels and the pace."""

from datetime import timedelta

import numpy as np
import pytest

from played import START, Learner, played, world
from timonel.backtest import History, Report, Rules, backtest, policy
from timonel.config import Retraining

WEEK = timedelta(days=7)
RULES = Rules(span=WEEK, initial=0.3, features=("x", "noise"), run_length=100_000)


class HeldOut(Learner):
    """Fits on all but the newest fifth, as training does."""

    def fit(self, table):  # type: ignore[no-untyped-def]
        held = table.num_rows // 5
        line = super().fit(table.slice(0, table.num_rows - held))
        return type(line)(line.weights, line.threshold, held)


def turned(history: History, day: int) -> History:
    """The label's rule turns round from a day on."""
    at = history.since(START + timedelta(days=day))
    label = history.label.copy()
    label[at:] = 1 - label[at:]
    x, noise = (history.table[c].to_numpy() for c in ("x", "noise"))
    a_day = history.since(START + timedelta(days=1))
    return played(x, noise, label, a_day, history.delay)


def play(history: History, rules: Rules = RULES, **settings: object) -> Report:
    chosen = policy("governor", Retraining.model_validate(settings))
    return backtest(history, HeldOut(), chosen, rules)


def test_a_stationary_stream_is_never_retrained() -> None:
    """100,000 rows in which nothing changes: no training, and nothing lost by that."""
    report = play(world(500, 200, 1), Rules(span=timedelta(days=28), initial=0.3))
    assert report.retrains == ()
    assert report.summary["auc"].n == pytest.approx(70_000, abs=6000)
    assert abs(float(report.regret.value)) < 0.002


def test_a_change_is_retrained_and_most_of_the_gain_is_kept() -> None:
    """A few trainings after the turn, none before it, against one a week."""
    rules = Rules(span=WEEK, initial=0.3, window=timedelta(days=28))
    report = play(turned(world(140, 60, 5), 70), rules)
    assert all(event.time > START + timedelta(days=70) for event in report.retrains)
    assert 1 <= len(report.retrains) <= 6
    assert report.kept is not None
    assert report.kept > 0.7
    assert "at most is usual" in report.retrains[0].reason
    assert "was usual before" in report.retrains[1].reason


def test_too_few_labels_are_waits_that_say_how_many_are_missing() -> None:
    """A wait with a reason is in the report, a plain one is not."""
    report = play(turned(world(140, 60, 5), 70), min_positives=100_000)
    assert report.retrains == ()
    assert report.waits
    assert all("new matured positives are missing" in event.reason for event in report.waits)
    assert report.waits[0].time > START + timedelta(days=70)


def test_age_retrains_at_the_first_look_after_it() -> None:
    """Where the settings ask for it."""
    report = play(world(120, 60, 7), max_age="30d")
    gaps = np.diff([event.time for event in report.retrains])
    assert len(report.retrains) >= 2
    assert all(gap == timedelta(days=35) for gap in gaps)  # the first Monday after 30 days


def test_labels_that_come_late_stretch_the_cooldown() -> None:
    """Between two trainings lies the labels' delay at least."""
    report = play(world(200, 60, 8, timedelta(days=30)), max_age="1d")
    gaps = np.diff([event.time for event in report.retrains])
    assert len(gaps) >= 2
    assert min(gaps) >= timedelta(days=30)


def test_drift_only_retrains_on_every_alarm_of_the_inputs() -> None:
    """The mark to beat: a harmless shift costs it trainings that the governor saves."""
    quiet = world(98, 40, 6)
    x, noise = (quiet.table[c].to_numpy().copy() for c in ("x", "noise"))
    noise += np.linspace(0, 6, len(noise))
    shifted = played(x, noise, quiet.label, 40)
    by_drift = backtest(shifted, HeldOut(), policy("drift-only"), RULES)
    assert len(by_drift.retrains) >= 5
    assert play(shifted).retrains == ()
