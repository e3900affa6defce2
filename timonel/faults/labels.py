"""Incidents in the labels: they come later, they are wrong, or the world follows another rule."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa

from timonel.diagnosis.cause import Cause
from timonel.errors import BadInput
from timonel.faults.columns import (
    class_index,
    class_values,
    log_odds,
    micros,
    numbers,
    pick,
    place,
    plain,
    postponed,
    probability,
    standardised,
)
from timonel.faults.grades import BY_SEVERITY, Grades, fixed, share
from timonel.faults.incident import Incident
from timonel.faults.layout import BoolArray, FloatArray, IntArray, Layout
from timonel.faults.truth import Change
from timonel.faults.window import Window

Rule = Callable[[pa.Table], FloatArray]
"""Takes a table and gives the probability of the positive class of each row."""


@dataclass(frozen=True, kw_only=True)
class LabelDelay(Incident):
    """Labels come later: the time from event to arrival is multiplied. Values stay."""

    name: ClassVar[str] = "label_delay"
    cause: ClassVar[Cause] = Cause.LABEL_ARTEFACT
    roles: ClassVar[tuple[str, ...]] = ("label_arrival_time", "event_time")
    factor: Annotated[
        float,
        Grades(1.5, 3.0, 10.0, "a label's age on arrival is multiplied by this", at_least=1.0),
    ] = BY_SEVERITY

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        arrival = self.role("label_arrival_time")
        rows = window.rows & np.asarray(table[arrival].is_valid())
        age = np.where(rows, micros(table, arrival) - window.instants, 0)
        by = np.round(np.maximum(age, 0) * (self.factor - 1)).astype(np.int64)
        return Change(postponed(table, arrival, rows, by), rows, (arrival,))

    def _fault_columns(self) -> tuple[str, ...]:
        return (self.role("label_arrival_time"),)

    def _what(self) -> str:
        return f"labels take {self.factor:g} times as long to arrive"


@dataclass(frozen=True, kw_only=True)
class LabelNoise(Incident):
    """Labels are wrong: a share of them turns into another class, whatever the features are."""

    name: ClassVar[str] = "label_noise"
    cause: ClassVar[Cause] = Cause.LABEL_ARTEFACT
    roles: ClassVar[tuple[str, ...]] = ("label",)
    rate: Annotated[float, share(0.02, 0.1, 0.3, "share of the labels that are wrong")] = (
        BY_SEVERITY
    )

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        label, count = self.role("label"), len(self.layout.classes)
        index = class_index(table, label, self.layout.classes)
        rows = pick(window.rows & (index >= 0), self.rate, rng)
        other = (index + rng.integers(1, max(2, count), table.num_rows)) % count
        return Change(_labelled(table, rows, other, self.layout), rows, (label,))

    def _what(self) -> str:
        return f"{self.rate:.0%} of the labels are wrong"


@dataclass(frozen=True, kw_only=True)
class _ConceptChange(Incident):
    """P(y | x) changes: labels follow another rule while features and scores stay.

    The rule is `rule`, or the declared one: on the log-odds, each of the columns loses `weight` per
    standard deviation of its ranks in the direction in which the score rises with it - so its effect
    weakens and then turns around - and the intercept is set such that the share of positives stays. The
    declared rule supposes a calibrated score. Labels are drawn anew from the rule; rows without a label
    stay.
    """

    cause: ClassVar[Cause] = Cause.CONCEPT_CHANGE
    roles: ClassVar[tuple[str, ...]] = ("label",)
    rule: Rule | None = None
    weight: Annotated[
        float, Grades(1.0, 2.0, 4.0, "log-odds per sd that each column loses (declared rule only)")
    ] = BY_SEVERITY

    def needs(self) -> tuple[str, ...]:
        """The label, and for the declared rule the score."""
        return (*super().needs(), *(() if self.rule else (self.role("score"),)))

    def _check(self, table: pa.Table) -> None:
        super()._check(table)
        if len(self.layout.classes) != 2:
            raise BadInput(f"{self.name}: classes are {self.layout.classes}; expected two")
        if self.rule is None and not self.columns:
            raise BadInput(f"{self.name}: expected columns whose effect changes, or a rule")

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        label = self.role("label")
        known = class_index(table, label, self.layout.classes) >= 0
        draws = rng.random((2, table.num_rows))
        rows = window.rows & known & (draws[0] < self._following(window))
        if not rows.any():
            return Change(table, rows, (label,))
        chances = np.zeros(table.num_rows)
        affected = table.filter(pa.array(rows))
        chances[rows] = self.rule(affected) if self.rule else self._declared(affected)
        drawn = (draws[1] < chances).astype(np.int64)
        return Change(_labelled(table, rows, drawn, self.layout), rows, (label,))

    def _declared(self, rows: pa.Table) -> FloatArray:
        score = np.nan_to_num(numbers(rows, self.role("score")), nan=0.5)
        logit = log_odds(score)
        turned = logit.copy()
        for name in self.columns:
            values = _ranked(numbers(rows, name))
            turned -= self.weight * np.sign(np.mean(values * (logit - logit.mean()))) * values
        return _with_mean(turned, float(score.mean()))

    def _fault_columns(self) -> tuple[str, ...]:
        return self.columns or (self.role("label"),)

    @abstractmethod
    def _following(self, window: Window) -> FloatArray:
        """The chance of each row of the window to follow the new rule."""

    def _what(self) -> str:
        if self.rule:
            return "labels follow another rule"
        return f"the effect of {' and '.join(self.columns)} on the log-odds falls by {self.weight:g} per sd"


@dataclass(frozen=True, kw_only=True)
class SuddenConceptChange(_ConceptChange):
    """P(y | x) changes at once: from the onset on all labels follow another rule."""

    name: ClassVar[str] = "sudden_concept_change"

    def _following(self, window: Window) -> FloatArray:
        return np.ones(len(window.rows))


@dataclass(frozen=True, kw_only=True)
class GradualConceptChange(_ConceptChange):
    """P(y | x) changes bit by bit: the share of labels that follow another rule rises from 0 to 1."""

    name: ClassVar[str] = "gradual_concept_change"
    ramp: Annotated[
        float, fixed(1.0, "share of the window that the rise takes", at_least=0.001, at_most=1.0)
    ] = BY_SEVERITY

    def _following(self, window: Window) -> FloatArray:
        return np.clip(window.progress / self.ramp, 0, 1)


@dataclass(frozen=True, kw_only=True)
class RecurringConceptChange(_ConceptChange):
    """P(y | x) changes and comes back: new and old rule take turns, the new one first."""

    name: ClassVar[str] = "recurring_concept_change"
    cycles: Annotated[
        float, fixed(3, "how often the new rule comes within the window", at_least=1.0)
    ] = BY_SEVERITY

    def _following(self, window: Window) -> FloatArray:
        turn = np.floor(np.clip(window.progress, 0, 1 - 1e-12) * 2 * self.cycles)
        return np.where(turn % 2 == 0, 1.0, 0.0)


def _ranked(values: FloatArray) -> FloatArray:
    """Ranks in standard deviations of ranks; missing values are middling."""
    ranks = np.argsort(np.argsort(np.nan_to_num(values), kind="stable"), kind="stable")
    return standardised(np.where(np.isnan(values), np.nan, ranks))


def _with_mean(logit: FloatArray, mean: float) -> FloatArray:
    """The probabilities whose log-odds are `logit` plus the constant that gives them this mean."""
    low, high = -50.0 - logit.max(), 50.0 - logit.min()
    for _ in range(80):
        middle = (low + high) / 2
        less = float(np.mean(probability(logit + middle))) < mean
        low, high = (middle, high) if less else (low, middle)
    return probability(logit + low)


def _labelled(table: pa.Table, rows: BoolArray, index: IntArray, layout: Layout) -> pa.Table:
    name = str(layout.label)
    classes = class_values(layout.classes, plain(table[name]).type, name)
    return place(table, name, rows, classes.take(pa.array(index)))
