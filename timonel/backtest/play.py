"""One policy's course through the periods."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from timonel.backtest.figures import figures
from timonel.backtest.history import History
from timonel.backtest.model import Model, Workshop
from timonel.backtest.periods import Period, Span
from timonel.backtest.policy import Policy, Retrain, Situation, Veto, Wait
from timonel.backtest.watch import Alarm, Watch
from timonel.config import Costs, Retraining
from timonel.errors import BadInput
from timonel.performance.realised import Labelled


@dataclass(frozen=True)
class Rules:
    """How a backtest is played."""

    span: Span = timedelta(days=7)
    initial: float = 0.4
    """Share of the rows before the first period."""
    window: timedelta | None = None
    """Learn from rows of this long a stretch only. None: from all that have a label."""
    most_rows: int | None = None
    """Learn from so many rows at most, the newest."""
    costs: Costs = field(default_factory=Costs)
    run_length: float = Retraining().run_length
    """Labelled predictions between two false alarms of the error rate, on average at least."""
    features: tuple[str, ...] = ()
    """The columns whose drift is watched."""
    categorical: tuple[str, ...] = ()
    """Those of them that hold categories, even where they are numbers."""


@dataclass(frozen=True)
class Event:
    """Something that the policy decided."""

    time: datetime
    reason: str


@dataclass(frozen=True)
class Course:
    """What happened under a policy."""

    parts: tuple[Labelled, ...]
    """The predictions of each period, with all labels."""
    models: tuple[Model, ...]
    """The model that served in each period."""
    retrains: tuple[Event, ...]
    vetoes: tuple[Event, ...]
    waits: tuple[Event, ...]
    alarms: tuple[Alarm, ...]


def play(
    workshop: Workshop,
    periods: tuple[Period, ...],
    policy: Policy,
    rules: Rules,
    done: Callable[[], None],
) -> Course:
    """Play the periods; after each but the last the policy is asked. `done` is called after each.

    A training that fails, because the rows of that time teach nothing, counts as a veto: the model stays.
    """
    player = _Player(workshop, policy, rules, workshop.model(periods[0].start))
    for i, period in enumerate(periods):
        player.serve(period)
        if i + 1 < len(periods):
            player.decide(period)
        done()
    return player.course(periods)


class _Player:
    """The model in service, what was predicted, and which labels have arrived."""

    def __init__(self, workshop: Workshop, policy: Policy, rules: Rules, first: Model) -> None:
        self.workshop, self.policy, self.rules = workshop, policy, rules
        self.history: History = workshop.history
        self.models: list[Model] = []
        self.retrains: list[Event] = []
        self.vetoes: list[Event] = []
        self.waits: list[Event] = []
        self.alarms: list[Alarm] = []
        self.start = self.known = self.history.since(first.trained)
        """The rows from `start` to `known` have been predicted, and their labels have arrived."""
        played = len(self.history) - self.start
        self.score = np.empty((played, len(self.history.classes)))
        self.predicted = np.empty(played, dtype=np.intp)
        self.watch = Watch(rules.features, rules.categorical, run_length=rules.run_length)
        self._install(first)

    def serve(self, period: Period) -> None:
        """Predict a period, then see what became known in it."""
        scored = self.workshop.predict(self.model, period)
        rows = self._played(period.rows)
        self.score[rows], self.predicted[rows] = scored.score, scored.predicted
        self.models.append(self.model)
        since, self.known = self.known, max(self.known, self.history.known_by(period.end))
        self.news = self._labelled(slice(since, self.known))
        own = self._labelled(slice(min(max(since, self.first_own), self.known), self.known))
        table = self.history.table.slice(period.rows.start, period.n)
        self.raised = self.watch.look(period, table, own.predicted != own.label)
        self.alarms += self.raised

    def decide(self, period: Period) -> None:
        """Ask the policy, and do what it says."""
        decision = self.policy.decide(self._situation(period.end))
        if isinstance(decision, Veto):
            self.vetoes.append(Event(period.end, decision.reason))
        if isinstance(decision, Wait) and decision.reason:
            self.waits.append(Event(period.end, decision.reason))
        if not isinstance(decision, Retrain):
            return
        try:
            self._install(self.workshop.model(period.end))
        except BadInput as error:
            self.vetoes.append(Event(period.end, f"cannot train: {error.message}"))
        else:
            self.retrains.append(Event(period.end, decision.reason))

    def course(self, periods: tuple[Period, ...]) -> Course:
        """What happened."""
        return Course(
            tuple(self._labelled(period.rows) for period in periods),
            tuple(self.models),
            tuple(self.retrains),
            tuple(self.vetoes),
            tuple(self.waits),
            tuple(self.alarms),
        )

    def _install(self, model: Model) -> None:
        self.model = model
        self.first_own = self.history.since(model.trained)
        learnt = self.history.table.slice(model.rows.start, model.n)
        self.usual = self.workshop.usual(model)
        self.watch.restart(learnt, self.usual)

    def _situation(self, now: datetime) -> Situation:
        k = len(self.history.classes)
        arrived = slice(self.history.known_by(self.model.trained), self.history.known_by(now))
        counts = np.bincount(self.history.label[arrived], minlength=k)
        return Situation(
            time=now,
            trained=self.model.trained,
            delay=self.history.delay,
            metrics=figures([self.news], k, self.rules.costs),
            alarms=self.raised,
            usual=self.usual,
            new_labels=int(counts.sum()),
            new_rarest=int(counts.min()),
        )

    def _labelled(self, rows: slice) -> Labelled:
        """Predictions of rows of the history, all of them made already."""
        played = self._played(rows)
        label = self.history.label[rows]
        ones = np.ones(len(label))
        return Labelled(
            self.history.classes, label, self.predicted[played], self.score[played], ones
        )

    def _played(self, rows: slice) -> slice:
        return slice(rows.start - self.start, rows.stop - self.start)
