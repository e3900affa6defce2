"""What is compared between the arms of a canary, and with which tolerance."""

import math
from dataclasses import dataclass
from itertools import pairwise

from timonel.errors import BadInput
from timonel.terms import Evidence

DECILES = 9
"""Edges between ten cells of the scores."""


@dataclass(frozen=True)
class Metric:
    """One metric with its margins; `timonel.config.sections.CanaryMetric` says what each means."""

    name: str
    ratio: float = 1.0
    margin: float | None = None
    kind: Evidence = Evidence.RATE
    harm_margin: float = 0.0
    weight: float = 1.0
    support: int = 0
    edges: tuple[float, ...] = ()
    slo: float | None = None
    base_rate: float | None = None
    noise: float | tuple[float, ...] | None = None
    """One for all edges of a histogram, or one each."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Evidence(self.kind))
        object.__setattr__(self, "edges", tuple(self.edges))
        problem = self._problem()
        if problem:
            raise BadInput(f"metric {self.name!r}: {problem}", fix="mend it in rollout.metrics")

    @property
    def harms(self) -> bool:
        """Whether it can roll the canary back."""
        return self.weight > 0 and self.kind is not Evidence.SCORES

    @property
    def required(self) -> bool:
        """Whether it must be shown harmless for a promotion."""
        return self.margin is not None and self.kind is not Evidence.SCORES

    @property
    def slo_edge(self) -> int:
        """Of a latency: which edge its safety is judged at."""
        return self.edges.index(self.slo) if self.slo is not None else len(self.edges) - 1

    def _problem(self) -> str | None:
        numbers = (self.ratio, self.margin or 0.0, self.harm_margin, self.weight)
        if not all(math.isfinite(x) and x >= 0 for x in numbers):
            return "ratio, margins and weight must be finite and not negative"
        if self.base_rate is not None and not 0 < self.base_rate < 1:
            return f"base_rate {self.base_rate:g} must lie between 0 and 1"
        return self._histogram_problem() or self._margin_problem()

    def _histogram_problem(self) -> str | None:
        if self.kind not in (Evidence.LATENCY, Evidence.SCORES):
            return "only latency and scores have edges" if self.edges else None
        if any(low >= high for low, high in pairwise(self.edges)):
            return f"edges must rise, they are {list(self.edges)}"
        if self.kind is Evidence.SCORES and len(self.edges) != DECILES:
            return f"scores take the {DECILES} edges of historic deciles, not {len(self.edges)}"
        if self.kind is Evidence.LATENCY and not self.edges:
            return "a latency needs edges"
        if self.slo is not None and self.slo not in self.edges:
            return f"slo {self.slo:g} is none of the edges {list(self.edges)}"
        return None

    def _margin_problem(self) -> str | None:
        unbounded = self.kind in (Evidence.LOSS, Evidence.VALUE)
        if not unbounded and max(self.margin or 0.0, self.harm_margin) >= 1:
            return "a margin of a share must be below 1"
        if self.margin == 0 and self.ratio <= 1 and self.kind is not Evidence.VALUE:
            return (
                "margin 0 can never be shown: nothing is shown to be no worse at all; give a margin"
            )
        return None
