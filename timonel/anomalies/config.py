"""What one may set about the watch."""

from dataclasses import dataclass, field
from datetime import timedelta

from timonel.anomalies.traits import Trait
from timonel.errors import BadInput

MONTH = timedelta(days=30)


@dataclass(frozen=True)
class WatchConfig:
    """The budget of false alarms, how long to learn, and own gates."""

    false_alarms_a_month: float = 1.0
    """For the whole family: all metrics, places and window lengths together."""
    learn: timedelta = timedelta(days=1)
    """The first stable stretch. Until a week is known, the gates of learnt baselines are doubled."""
    traits: dict[str, Trait] = field(default_factory=dict)
    """How a metric is judged, by its name; instead of `TRAITS`."""

    def __post_init__(self) -> None:
        if not self.false_alarms_a_month > 0:
            raise BadInput(
                f"false_alarms_a_month is {self.false_alarms_a_month}, expected more than 0",
                why="no test is right always",
            )
        if self.learn < timedelta(0):
            raise BadInput(f"learn is {self.learn}, expected 0 or more")

    def level(self, series: int, step: timedelta) -> float:
        """The probability at which one of `series` readings, one every `step`, is improbable enough.

        Bonferroni over all readings of a month: their expected number of false alarms is the budget,
        however they depend on each other.
        """
        readings = max(series, 1) * (MONTH / step)
        return min(0.01, self.false_alarms_a_month / readings)
