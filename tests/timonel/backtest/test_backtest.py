"""Policies played in a small world whose truth is known."""

import json
from datetime import timedelta

import numpy as np
import pytest

from played import START, Learner, Watched, played, retrain, world
from timonel.backtest import (
    History,
    Report,
    Retrain,
    Rules,
    Veto,
    Wait,
    backtest,
    parse_span,
    policy,
)
from timonel.config import Costs
from timonel.errors import BadInput
from timonel.performance.realised import realised
from timonel.performance.value import State

WEEK = timedelta(days=7)
RULES = Rules(span=WEEK, initial=0.3, costs=Costs(), features=("x", "noise"))


def turned(history: History, day: int) -> History:
    """The same rows, with the label's rule turned round from a day on."""
    at = history.since(START + timedelta(days=day))
    label = history.label.copy()
    label[at:] = 1 - label[at:]
    x, noise = (history.table[c].to_numpy() for c in ("x", "noise"))
    a_day = history.since(START + timedelta(days=1))
    return played(x, noise, label, a_day, history.delay)


def play(history: History, name: str, rules: Rules = RULES) -> Report:
    return backtest(history, Learner(), policy(name), rules)


@pytest.mark.parametrize("delay", [timedelta(0), timedelta(hours=36), timedelta(days=10)])
def test_no_label_is_learnt_from_before_it_arrives(delay: timedelta) -> None:
    """Each training is given only rows whose labels had arrived by its time."""
    learner, watched = Learner(), Watched(retrain)
    history = world(84, 40, 2, delay)
    report = backtest(history, learner, watched, RULES)
    moments = [report.first.trained, *(event.time for event in report.retrains)]
    assert len(learner.given) == len(moments) > 5
    for table, moment in zip(learner.given, moments, strict=True):
        newest = table["t"][-1].as_py()
        assert newest + delay <= moment
        assert newest < moment
        assert newest + delay > moment - timedelta(hours=1)  # and none that had is left out


@pytest.mark.parametrize("delay", [timedelta(0), timedelta(hours=36), timedelta(days=10)])
def test_labels_that_arrive_later_change_nothing_before(delay: timedelta) -> None:
    """With all later labels turned round, what the policy saw up to then is the same to the last bit."""
    history = world(84, 40, 3, delay)
    until = START + timedelta(days=56)
    label = history.label.copy()
    label[history.known_by(until) :] = 1 - label[history.known_by(until) :]
    other = played(*(history.table[c].to_numpy() for c in ("x", "noise")), label, 40, history.delay)
    first, second = Watched(retrain), Watched(retrain)
    for watched, h in ((first, history), (second, other)):
        backtest(h, Learner(), watched, RULES)
    before = [s for s in first.seen if s.time <= until]
    assert len(before) >= 4
    assert before == second.seen[: len(before)]
    assert first.seen[-1] != second.seen[-1]


def test_decisions_see_the_labels_that_arrived_in_the_period() -> None:
    """The situation's figures are of predictions whose labels are new, made by whichever model."""
    watched = Watched()
    delay = timedelta(days=10)
    report = backtest(world(84, 40, 4, delay), Learner(), watched, RULES)
    n = [s.metrics["auc"].n for s in watched.seen]
    assert n[0] == 0
    assert watched.seen[0].metrics["auc"].state is State.NO_DATA
    assert n[1] == 4 * 40 + 1  # 14 days played, less 10 that labels take; one arrives just now
    assert set(n[2:]) == {7 * 40}
    assert [p.figures["auc"].n for p in report.periods] == [280] * len(report.periods)
    assert watched.seen[2].new_labels == 3 * 280
    assert 0 < watched.seen[2].new_rarest <= 420
    assert watched.seen[2].age == 3 * WEEK


def test_after_the_concept_turns_retraining_beats_the_first_model() -> None:
    """Never keeps the wrong rule; always and monthly, on a window, learn the new one."""
    history = turned(world(140, 60, 5), 70)
    rules = Rules(span=WEEK, initial=0.3, window=timedelta(days=28))
    never, monthly = (play(history, name, rules) for name in ("never", "monthly"))
    always = play(history, "always", rules)
    regret = [float(r.regret.value) for r in (never, monthly, always)]
    assert regret[0] > regret[1] > regret[2] == 0
    assert never.regret.value.lower is not None
    assert never.regret.value.lower > 0.3
    assert never.regret.cost_per_1000_rows is not None
    assert never.regret.cost_per_1000_rows.value == pytest.approx(
        1000 * (float(never.summary["cost"]) - float(always.summary["cost"]))
    )
    assert [a.kind for a in never.alarms] == ["error rate"] * len(never.alarms)
    assert never.alarms
    assert never.alarms[0].since >= START + timedelta(days=69)


def test_in_a_world_that_stays_nothing_is_gained_by_retraining() -> None:
    """Over 20 worlds the regret of never is within its interval of 0, and alarms are as rare as said."""
    found = [play(world(98, 40, 100 + seed), "never") for seed in range(20)]
    covered = [r.regret.value for r in found]
    assert sum(m.lower <= 0.002 and m.upper >= 0 for m in covered) >= 17  # type: ignore[operator]
    assert max(abs(float(m)) for m in covered) < 0.01
    periods = sum(len(r.periods) for r in found)
    alarms = [a for r in found for a in r.alarms]
    assert sum(a.kind == "input drift" for a in alarms) <= 0.10 * periods
    assert sum(a.kind == "error rate" for a in alarms) == 0


def test_inputs_that_shift_raise_one_lasting_episode() -> None:
    """The column is named, and the alarm says since when."""
    quiet = world(98, 40, 6)
    at = quiet.since(START + timedelta(days=63))
    x, noise = (quiet.table[c].to_numpy().copy() for c in ("x", "noise"))
    noise[at:] += 1.0
    report = play(played(x, noise, quiet.label, 40), "never")
    late = [a for a in report.alarms if a.time > START + timedelta(days=63)]
    assert len(late) == 5
    assert all(a.columns[0] == "noise" for a in late)
    assert {a.since for a in late} == {START + timedelta(days=63)}


def test_monthly_retrains_once_a_calendar_month() -> None:
    """At the first end of a period in it; and each model serves from its training on."""
    report = play(world(120, 30, 7), "monthly")
    months = [event.time.month for event in report.retrains]
    assert len(set(months)) == len(months) >= 2
    assert all(event.reason.startswith("a new month") for event in report.retrains)
    trained = {p.trained for p in report.periods}
    assert trained == {report.first.trained, *(event.time for event in report.retrains)}
    assert all(p.trained <= p.period.start for p in report.periods)


def test_the_window_and_the_most_rows_bound_what_is_learnt_from() -> None:
    """Older rows are left out."""
    for change, rows in (({"window": timedelta(days=14)}, 14 * 40), ({"most_rows": 300}, 300)):
        learner = Learner()
        backtest(world(70, 40, 8), learner, policy("always"), Rules(WEEK, 0.4, **change))  # type: ignore[arg-type]
        assert {t.num_rows for t in learner.given} == {rows}


def test_vetoes_are_reported_and_the_model_stays() -> None:
    """A veto is an answer of its own, not a wait."""
    watched = Watched(lambda s: Veto("the inputs are broken") if s.time.day < 15 else Wait())
    report = backtest(world(84, 30, 9), Learner(), watched, RULES)
    assert {event.reason for event in report.vetoes} == {"the inputs are broken"}
    assert report.retrains == ()
    assert {p.trained for p in report.periods} == {report.first.trained}


def test_a_training_that_fails_is_a_veto_with_its_reason() -> None:
    """Once a model serves, rows that teach nothing stop no backtest."""

    class Picky(Learner):
        def fit(self, table):  # type: ignore[no-untyped-def]
            if self.given:
                raise BadInput("one class only")
            return super().fit(table)

    report = backtest(world(84, 30, 9), Picky(), policy("monthly"), RULES)
    assert report.retrains == ()
    assert {event.reason for event in report.vetoes} == {"cannot train: one class only"}


def test_a_period_without_rows_is_reported_as_no_data() -> None:
    """It is neither skipped nor counted as zero."""
    full = world(84, 40, 10)
    gap = slice(full.since(START + 6 * WEEK), full.since(START + 8 * WEEK))
    keep = np.r_[0 : gap.start, gap.stop : len(full)]
    table = full.table.take(keep)
    history = History.of(table, time="t", label=full.label[keep], classes=(0, 1))
    watched = Watched()
    report = backtest(history, Learner(), watched, RULES)
    empty = [p for p in report.periods if p.period.n == 0]
    assert [p.period.start for p in empty] == [START + 6 * WEEK, START + 7 * WEEK]
    assert {m.state for p in empty for m in p.figures.values()} == {State.NO_DATA}
    assert len(watched.seen) == len(report.periods) - 1


def test_the_report_is_json_and_its_summary_covers_all_periods() -> None:
    """The keys that programs rely on are there; the summary's rows are those of the periods."""
    report = play(world(84, 30, 11), "monthly")
    found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert found["policy"] == "monthly"
    assert set(found["periods"][0]) >= {"start", "end", "n", "metrics"}
    assert set(found["retrains"][0]) == {"time", "reason"}
    assert found["vetoes"] == []
    assert isinstance(found["alarms"], list)
    assert found["summary"]["accuracy"]["n"] == sum(p["n"] for p in found["periods"])
    assert found["regret"]["metric"] == "auc"
    assert set(found["regret"]) >= {"value", "lower", "upper", "cost_per_1000_rows"}


def test_the_figures_are_those_of_the_library_on_the_same_rows() -> None:
    """A period's figures are `realised` of its predictions."""
    history = world(84, 60, 12)
    report = play(history, "never")
    line = report.first.scorer
    rows = report.periods[0].period.rows
    score = line.score(history.table.slice(rows.start, rows.stop - rows.start))
    from timonel.performance.realised import labelled

    y = history.label[rows]
    expected = realised(labelled(y, score, (score[:, 1] >= 0.5).astype(int), classes=(0, 1)))
    assert {k: v for k, v in report.periods[0].figures.items() if k != "cost"} == expected


def test_the_same_backtest_gives_the_same_report() -> None:
    """Nothing rests on chance or on the clock."""
    first, second = (play(world(70, 30, 13), "monthly").to_dict() for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("rules", "metric", "said"),
    [
        (Rules(WEEK, 0.01), "auc", "the first training needs 100 at least"),
        (Rules(WEEK, 0.999), "auc", "no period of 7d begins after the first training"),
        (Rules(WEEK, 1.5), "auc", "expected between 0 and 1"),
        (RULES, "profit", "there is no metric profit for 2 classes"),
        (Rules(WEEK, 0.3, window=timedelta(hours=1)), "auc", "the first training needs 100"),
    ],
)
def test_what_cannot_be_played_is_refused(rules: Rules, metric: str, said: str) -> None:
    """Before anything is trained, with what to change."""
    learner = Learner()
    with pytest.raises(BadInput, match=said):
        backtest(world(84, 10, 14), learner, policy("never"), rules, metric)
    assert learner.given == []


def test_a_policy_that_there_is_not_is_refused() -> None:
    """The message names those that there are."""
    with pytest.raises(BadInput, match="sometimes") as error:
        policy("sometimes")
    assert "governor, always, never, monthly, drift-only" in str(error.value)


def test_progress_is_told_up_to_the_whole() -> None:
    """The shares add up to 1."""
    for name in ("always", "never"):
        shares: list[float] = []
        backtest(world(84, 20, 15), Learner(), policy(name), RULES, advance=shares.append)
        assert sum(shares) == pytest.approx(1)


def test_a_decision_is_one_of_three() -> None:
    """A policy of one's own needs a name and `decide`."""
    watched = Watched(lambda s: Retrain("alarm") if s.alarms else Wait())
    report = backtest(turned(world(140, 60, 16), 70), Learner(), watched, RULES)
    assert report.policy == "watched"
    assert {event.reason for event in report.retrains} == {"alarm"}


def test_spans_of_a_day_and_a_month_play_too() -> None:
    """The calendar is the caller's choice."""
    history = world(84, 40, 17)
    days = backtest(history, Learner(), policy("never"), Rules(parse_span("1d"), 0.3))
    months = backtest(history, Learner(), policy("never"), Rules(parse_span("month"), 0.3))
    assert len(days.periods) == 58
    assert [p.period.start.month for p in months.periods] == [2, 3]
