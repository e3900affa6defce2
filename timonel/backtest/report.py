"""What a backtest found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from timonel.backtest.model import Model
from timonel.backtest.periods import Period, Span, written_span
from timonel.backtest.play import Event
from timonel.backtest.watch import Alarm
from timonel.durations import format_duration
from timonel.performance.value import Measured

Figures = Mapping[str, Measured]


@dataclass(frozen=True)
class PlayedPeriod:
    """A period as it went."""

    period: Period
    figures: Figures
    """With all labels, those too that arrived later."""
    trained: datetime
    """When the model that served was trained."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "start": self.period.start.isoformat(),
            "end": self.period.end.isoformat(),
            "n": self.period.n,
            "model_trained": self.trained.isoformat(),
            "metrics": _plain(self.figures),
        }


@dataclass(frozen=True)
class Regret:
    """How much worse a policy did than retraining always, on the same rows. Positive: worse."""

    metric: str
    value: Measured
    cost_per_1000_rows: Measured | None
    """Of two classes: the cost that the policy had more, in the unit of the settings' costs."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        cost = self.cost_per_1000_rows
        return {
            "against": "always",
            "positive_means": "worse than retraining always",
            "metric": self.metric,
            **self.value.to_dict(),
            "cost_per_1000_rows": None if cost is None else cost.to_dict(),
        }


@dataclass(frozen=True)
class Report:
    """What a backtest found."""

    policy: str
    metric: str
    """The figure that the policy is judged by."""
    span: Span
    delay: timedelta
    first: Model
    """The first training, which every policy has."""
    periods: tuple[PlayedPeriod, ...]
    retrains: tuple[Event, ...]
    vetoes: tuple[Event, ...]
    waits: tuple[Event, ...]
    """There was cause to retrain, and it was too early."""
    alarms: tuple[Alarm, ...]
    summary: Figures
    regret: Regret
    regret_of_never: Regret
    """The same of a model that is never retrained: all that there is to gain."""

    @property
    def kept(self) -> float | None:
        """The share of what retraining always gains over never that the policy kept.

        None where the rows do not show that retraining gains anything.
        """
        gain, lost = self.regret_of_never.value, self.regret.value
        if gain.value is None or lost.value is None or gain.lower is None or gain.lower <= 0:
            return None
        return 1 - lost.value / gain.value

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "policy": self.policy,
            "metric": self.metric,
            "period": written_span(self.span),
            "label_delay": format_duration(self.delay),
            "first_training": {"time": self.first.trained.isoformat(), "rows": self.first.n},
            "periods": [period.to_dict() for period in self.periods],
            "retrains": [_event(event) for event in self.retrains],
            "vetoes": [_event(event) for event in self.vetoes],
            "waits": [_event(event) for event in self.waits],
            "alarms": [alarm.to_dict() for alarm in self.alarms],
            "summary": _plain(self.summary),
            "regret": self.regret.to_dict(),
            "regret_of_never": self.regret_of_never.to_dict(),
            "kept": self.kept,
        }


def _event(event: Event) -> dict[str, str]:
    return {"time": event.time.isoformat(), "reason": event.reason}


def _plain(figures: Figures) -> dict[str, object]:
    return {name: measured.to_dict() for name, measured in figures.items()}
