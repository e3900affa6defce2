"""The governor of `timonel.retraining` as a policy of a backtest."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from timonel import retraining
from timonel.backtest.policy import Decision, Retrain, Situation, Veto, Wait
from timonel.config import Retraining
from timonel.retraining import Answer, Attempt, Evidence, Labels, Outcome


@dataclass
class Governed:
    """Asks the governor after each period. Nobody diagnoses in a backtest: the evidence stands alone."""

    settings: Retraining
    name: ClassVar[str] = "governor"
    _loss: Evidence | None = field(default=None, init=False)
    _watched: datetime | None = field(default=None, init=False)
    _attempts: list[Attempt] = field(default_factory=list, init=False)

    def decide(self, situation: Situation) -> Decision:
        """What the governor says; an alarm stands until the model is replaced."""
        self._remember(situation)
        found = retraining.decide(self._asked(situation), self.settings)
        if found.answer is Answer.RETRAIN:
            self._attempts.append(Attempt(situation.time, Outcome.DONE))
            return Retrain(found.reasons[0])
        if found.answer is Answer.VETO:
            return Veto(found.reasons[0])
        return Wait() if found.answer is Answer.NONE else Wait(found.reasons[0])

    def _remember(self, situation: Situation) -> None:
        if situation.trained != self._watched:
            self._watched, self._loss = situation.trained, None
        alarms = [alarm for alarm in situation.alarms if alarm.kind == "error rate"]
        if alarms and self._loss is None:
            self._loss = Evidence(alarms[0].what, alarms[0].since)

    def _asked(self, situation: Situation) -> retraining.Situation:
        return retraining.Situation(
            time=situation.time,
            model="backtest",
            version=None,
            trained=situation.trained,
            labels=Labels(situation.new_rarest, situation.new_labels - situation.new_rarest),
            maturity=situation.delay,
            loss=self._loss,
            attempts=tuple(self._attempts),
        )
