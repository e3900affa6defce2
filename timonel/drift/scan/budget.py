"""How many false alarms a scan promises."""

from dataclasses import dataclass

from timonel.drift.scan.pools import SCALES

LEAST_DAYS = 28
"""Of history, to know the seasons."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How many false alarms to expect, and on what that rests."""

    false_alarms_per_month: float
    """Of all features on all scales together, in 30 days."""
    features: int
    days: float
    """Of history."""
    kept: bool
    """Whether the thresholds were fitted to keep it."""

    def __str__(self) -> str:
        family = f"{self.features} features x {len(SCALES)} scales"
        if self.kept:
            return (
                f"false alarms: {self.false_alarms_per_month:g} in 30 days over {family},"
                f" fitted on {self.days:.0f} days of history"
            )
        return (
            f"no budget is kept: {self.days:.0f} days of history, {LEAST_DAYS} are needed to know the"
            f" seasons; plain reference and wider gates for {family}"
        )
