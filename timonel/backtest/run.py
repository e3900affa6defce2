"""Plays a policy and, beside it, retraining always and never."""

from collections.abc import Callable

from timonel.backtest.figures import COST, figures, names_for, scaled, shortfall
from timonel.backtest.history import History
from timonel.backtest.model import Trainer, Workshop
from timonel.backtest.periods import Period, cut, moment
from timonel.backtest.play import Course, Rules, play
from timonel.backtest.policies import Always, Never
from timonel.backtest.policy import Policy
from timonel.backtest.report import PlayedPeriod, Regret, Report
from timonel.errors import BadInput

Advance = Callable[[float], None]

LEAST_ROWS = 100
"""With fewer labels at the first training there is nothing to play."""


def backtest(
    history: History,
    trainer: Trainer,
    policy: Policy,
    rules: Rules,
    metric: str = "auc",
    advance: Advance = lambda amount: None,
) -> Report:
    """Play the history under a policy and compare it with retraining always and never.

    The first training takes place at the first boundary of a period after the share `rules.initial` of
    the rows. `advance` is told the share of the work that has been done since it was last told.

    Raises BadInput where the first training has too few rows or they teach nothing, where no period
    follows it, and for an unknown metric.
    """
    k = len(history.classes)
    _check_metric(metric, k)
    periods = _periods(history, rules)
    workshop = Workshop(history, trainer, rules.window, rules.most_rows)
    _check_first(workshop, periods[0], rules)
    policies = (policy, *(p for p in (Always(), Never()) if p != policy))
    share = 1 / (len(periods) * len(policies))
    courses = {p.name: play(workshop, periods, p, rules, lambda: advance(share)) for p in policies}
    course, best, worst = (courses[p.name] for p in (policy, Always(), Never()))
    return Report(
        policy=policy.name,
        metric=metric,
        span=rules.span,
        delay=history.delay,
        first=course.models[0],
        periods=_played(periods, course, k, rules),
        retrains=course.retrains,
        vetoes=course.vetoes,
        waits=course.waits,
        alarms=course.alarms,
        summary=figures(course.parts, k, rules.costs),
        regret=_regret(metric, course, best, k, rules),
        regret_of_never=_regret(metric, worst, best, k, rules),
    )


def _check_metric(metric: str, k: int) -> None:
    if metric not in names_for(k):
        raise BadInput(
            f"there is no metric {metric} for {k} classes",
            fix=f"use one of {', '.join(names_for(k))}",
        )


def _periods(history: History, rules: Rules) -> tuple[Period, ...]:
    if not 0 < rules.initial < 1:
        raise BadInput(f"the initial share is {rules.initial:g}, expected between 0 and 1")
    begin = moment(int(history.times[int(rules.initial * len(history))]))
    return cut(history.times, begin, rules.span)


def _check_first(workshop: Workshop, first: Period, rules: Rules) -> None:
    rows = workshop.rows_at(first.start)
    if rows.stop - rows.start < LEAST_ROWS:
        raise BadInput(
            f"{rows.stop - rows.start} rows have a label by {first.start:%Y-%m-%d %H:%M}, the first"
            f" training needs {LEAST_ROWS} at least",
            fix=f"use a larger --initial share (now {rules.initial:g}), a longer --window,"
            " or a longer history",
        )


def _played(
    periods: tuple[Period, ...], course: Course, k: int, rules: Rules
) -> tuple[PlayedPeriod, ...]:
    return tuple(
        PlayedPeriod(period, figures([part], k, rules.costs), model.trained)
        for period, part, model in zip(periods, course.parts, course.models, strict=True)
    )


def _regret(metric: str, course: Course, best: Course, k: int, rules: Rules) -> Regret:
    value = shortfall(metric, course.parts, best.parts, rules.costs)
    if COST not in names_for(k):
        return Regret(metric, value, None)
    cost = shortfall(COST, course.parts, best.parts, rules.costs)
    return Regret(metric, value, scaled(cost, 1000.0))
