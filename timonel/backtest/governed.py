"""The governor of `timonel.retraining` as a policy of a backtest."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from timonel import retraining
from timonel.backtest.policy import Decision, Retrain, Situation, Veto, Wait
from timonel.config import Retraining
from timonel.retraining import Answer, Attempt, Evidence, Labels, Outcome
from timonel.retraining.loss import Errors


@dataclass
class Governed:
    """Asks the governor after each period. Nobody diagnoses in a backtest: the evidence stands alone.

    A new model that errs surely more on its held-out rows than the last healthy one did has not brought
    the quality back: the training counts as failed, and the cause to retrain stands. Without that, one
    that was trained right after a change, on too few rows of the new time, would set the new usual.
    """

    settings: Retraining
    name: ClassVar[str] = "governor"
    _loss: Evidence | None = field(default=None, init=False)
    _watched: datetime | None = field(default=None, init=False)
    _healthy: Errors | None = field(default=None, init=False)
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
            self._watched, self._loss = situation.trained, self._shortfall(situation)
        alarms = [alarm for alarm in situation.alarms if alarm.kind == "error rate"]
        if alarms and self._loss is None:
            self._loss = Evidence(alarms[0].what, alarms[0].since)

    def _shortfall(self, situation: Situation) -> Evidence | None:
        """What a new model lacks of the last healthy one."""
        usual, healthy = situation.usual, self._healthy
        if usual is None or healthy is None or not usual.surely_above(healthy):
            self._healthy = usual or healthy
            return None
        self._attempts[-1] = Attempt(self._attempts[-1].time, Outcome.FAILED)
        what = (
            f"the new model was wrong in {usual.rate:.1%} of the newest rows of its training,"
            f" {healthy.rate:.1%} was usual before"
        )
        return Evidence(what, situation.trained)

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
