"""When a training may start: single flight, cool-down with back-off, a weekly budget, a change old enough."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from timonel.config import Retraining
from timonel.durations import format_duration
from timonel.retraining.decision import WindowHint
from timonel.retraining.situation import Outcome, Situation
from timonel.terms import Window

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why it is too early, and when it will not be; None: no moment is known."""

    reason: str
    until: datetime | None


def under_way(situation: Situation) -> Hold | None:
    """A training or a rollout that has not ended."""
    running = [a for a in situation.attempts if a.outcome is Outcome.RUNNING]
    if not running:
        return None
    return Hold(f"a training or its rollout is under way since {_at(running[-1].time)}", None)


def too_early(situation: Situation, settings: Retraining) -> Hold | None:
    """The later of the ends of the cool-down and of the budget's week, if it is still to come."""
    found = [h for h in (_spent(situation, settings), _cooling(situation, settings)) if h]
    endless = next((hold for hold in found if hold.until is None), None)
    return endless or max(found, key=lambda hold: hold.until or situation.time, default=None)


def too_young(situation: Situation, window: WindowHint | None) -> Hold | None:
    """A change whose rows cannot be parted yet: they would all be test rows, and none would teach."""
    if not situation.parting or window is None or window.since is None:
        return None
    until = window.since + situation.parting + situation.maturity
    if window.window is Window.ALL or situation.time >= until:
        return None
    reason = (
        f"the change of {_at(window.since)} is too young: rows after it can be parted into training,"
        f" validation and test from {_at(until)}"
    )
    return Hold(reason, until)


def cooldown(situation: Situation, settings: Retraining) -> timedelta:
    """Time from the last training to the next at least."""
    ended = [a.outcome for a in situation.attempts if a.outcome is not Outcome.RUNNING]
    failures = len(list(takewhile(lambda o: o is Outcome.FAILED, reversed(ended))))
    base: timedelta = max(settings.cooldown, situation.maturity)
    if base >= settings.longest_cooldown:
        return base
    # as a factor: a long row of failures doubles past what a timedelta holds
    return base * min(2.0 ** min(failures, 60), settings.longest_cooldown / base)


def _cooling(situation: Situation, settings: Retraining) -> Hold | None:
    last = max([situation.trained, *(a.time for a in situation.attempts)])
    span = cooldown(situation, settings)
    until = last + span
    if situation.time >= until:
        return None
    reason = f"the last training was {_at(last)}, the cool-down is {format_duration(span)}"
    return Hold(reason, until)


def _spent(situation: Situation, settings: Retraining) -> Hold | None:
    budget = settings.weekly_budget
    if budget == 0:
        return Hold("retraining.weekly_budget is 0: a person starts every training", None)
    week = [a.time for a in situation.attempts if a.time > situation.time - WEEK]
    if len(week) < budget:
        return None
    reason = f"{len(week)} trainings in seven days, the budget is {budget}"
    return Hold(reason, sorted(week)[-budget] + WEEK)


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
