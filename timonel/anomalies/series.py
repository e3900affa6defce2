"""One metric at one place and window length: its trait, its past, its baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from timonel.anomalies.baseline import Baseline
from timonel.anomalies.fitting import around_figure, from_figure
from timonel.anomalies.history import WEEK, History, iso, moment
from timonel.anomalies.reading import Reading
from timonel.anomalies.traits import Kind, Trait
from timonel.performance.value import Measured

WIDER = 2.0
"""Gates are this many times as wide until a week is known."""


@dataclass
class Series:
    """One metric at one place and window length."""

    trait: Trait
    history: History
    figure: Measured | None
    judged: datetime | None = None
    step: timedelta | None = None
    muted: bool = False
    """Its episode was cleared by a shorter window; it waits until it is back itself."""

    def baseline(self) -> Baseline | None:
        """What was learnt, around the reference's figure where there is one."""
        learnt = self.history.baseline()
        if self.figure is None or not self.figure.ok:
            return learnt
        if learnt is None:
            return from_figure(self.figure, self.trait.kind is Kind.RATE)
        return around_figure(learnt, self.figure)

    @property
    def scale(self) -> float:
        """Wider gates until a week is known."""
        return 1.0 if self.figure is not None or self.history.covers >= WEEK else WIDER

    def advance(self, reading: Reading) -> bool:
        """Whether the reading is new: each window is judged once, in the order of their ends."""
        if self.judged is not None and reading.end <= self.judged:
            return False
        if self.judged is not None:
            step = reading.end - self.judged
            self.step = step if self.step is None else min(step, self.step)
        self.judged = reading.end
        return True

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `resume` reads them."""
        return {
            "history": self.history.to_dict(),
            "judged": iso(self.judged),
            "step": None if self.step is None else self.step.total_seconds(),
            "muted": self.muted,
        }

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on from what was saved."""
        self.history.resume(saved["history"])
        self.judged, self.muted = moment(saved["judged"]), saved["muted"]
        self.step = None if saved["step"] is None else timedelta(seconds=saved["step"])
