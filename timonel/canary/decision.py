"""What the judge answers: a verdict with its reasons and the numbers of every metric."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from timonel.canary.verdict import Verdict
from timonel.performance.value import Measured


@dataclass(frozen=True)
class MetricEvidence:
    """Where one metric stands. Intervals hold at all looks at once, 95 % each."""

    name: str
    e_harm: float | None
    """Evidence that the canary is worse by more than harm_margin; None of what cannot roll back."""
    harm_bar: float | None
    """From which e_harm it rolls back."""
    e_safe: float | None
    """Evidence that it is worse by less than the margin; None of what need not be shown."""
    safe_bar: float | None
    difference: Measured
    """Canary less ratio times stable, with the interval."""
    stable: Measured
    canary: Measured

    @property
    def estimate(self) -> float | None:
        """The difference, canary less ratio times stable; None while there is none."""
        return self.difference.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """That holds the difference at all looks at once with 95 %; None while there is none."""
        low, high = self.difference.lower, self.difference.upper
        return None if low is None or high is None else (low, high)

    @property
    def harmful(self) -> bool:
        """Whether the evidence of harm suffices."""
        return (
            self.e_harm is not None and self.harm_bar is not None and self.e_harm >= self.harm_bar
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = {n: getattr(self, n).to_dict() for n in ("difference", "stable", "canary")}
        return asdict(self) | values


@dataclass(frozen=True)
class Decision:
    """The state of a release after a block."""

    verdict: Verdict
    final: bool
    """Whether no later block can change it."""
    reasons: tuple[str, ...]
    blocks: int
    """Judged so far."""
    max_blocks: int
    canary_requests: int
    weight: int
    """Traffic that the canary should have now, in percent."""
    metrics: dict[str, MetricEvidence]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "metrics": {name: m.to_dict() for name, m in self.metrics.items()},
        }

    def to_json(self) -> str:
        """One line of JSON; the same decision gives the same bytes."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)
