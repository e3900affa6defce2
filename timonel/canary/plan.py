"""What a canary is held to: metrics, error probabilities, traffic and time, fixed before the start."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from timonel.canary.block import Block
from timonel.canary.history import learnt_metrics
from timonel.canary.metric import Metric
from timonel.canary.streams import Streams, compiled
from timonel.canary.traffic import Traffic, needed
from timonel.config import Config
from timonel.errors import BadInput
from timonel.terms import Assignment, Evidence, Strategy

SLO_PARTS = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.5)
"""The default edges of latency, as parts of the service level."""


@dataclass(frozen=True)
class CanaryPlan:
    """The plan of a release. `timonel.config.sections.Rollout` says what each setting means.

    >>> plan = CanaryPlan([Metric("errors", margin=0.002)], steps=(5, 25))
    >>> plan.harm_bar("errors"), plan.safe_bar
    (20.0, 20.0)
    """

    metrics: Sequence[Metric]
    alpha_harm: float = 0.05
    alpha_promote: float = 0.05
    max_blocks: int = 200
    strategy: Strategy = Strategy.CANARY
    steps: Sequence[int] = (5, 25, 50)
    warm_up: timedelta = timedelta(0)
    min_requests: int = 500
    hold_blocks: int = 5
    patience: int = 5
    assignment: Assignment = Assignment.REQUEST
    requests_per_entity: float = 1.0
    entity_correlation: float = 0.0
    largest_imbalance: float = 0.1
    baseline_age: timedelta | None = timedelta(hours=1)
    block: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        for name in ("metrics", "steps"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "strategy", Strategy(self.strategy))
        object.__setattr__(self, "assignment", Assignment(self.assignment))
        problem = self._problem()
        if problem:
            raise BadInput(f"a plan that cannot be judged: {problem}", fix="mend section rollout")

    @classmethod
    def from_config(cls, cfg: Config) -> "CanaryPlan":
        """The plan in section `rollout` of timonel.yaml."""
        section = cfg.rollout
        given = {k: v for k, v in section if k not in ("metrics", "error_margin", "latency_margin")}
        if section.metrics is None:
            return cls(metrics=_default_metrics(cfg), **given)
        return cls(metrics=[Metric(**dict(m)) for m in section.metrics], **given)

    @cached_property
    def streams(self) -> Streams:
        """Its metrics as arrays."""
        return compiled(self.metrics, self.assignment, self.clustering)

    @property
    def clustering(self) -> float:
        """(m - 1) * icc: how much repeated entities can widen a rate."""
        return (self.requests_per_entity - 1) * self.entity_correlation

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """The part of alpha_harm of each metric that can roll back; they add up to 1."""
        total = sum(m.weight for m in self.metrics if m.harms)
        return {m.name: m.weight / total for m in self.metrics if m.harms}

    def harm_bar(self, name: str) -> float:
        """The e-value from which a metric rolls back."""
        return 1 / (self.alpha_harm * self.weights[name])

    @property
    def safe_bar(self) -> float:
        """The e-value from which a metric is shown harmless."""
        return 1 / self.alpha_promote

    @property
    def unseen(self) -> bool:
        """Whether users get no answer of the canary while it is judged."""
        return self.strategy in (Strategy.SHADOW, Strategy.BLUE_GREEN)

    def weight_at(self, step: int) -> int:
        """Traffic of the canary on a step, in percent."""
        return 0 if self.unseen else self.steps[step]

    @property
    def last_step(self) -> int:
        """The step after which only the promotion comes."""
        return 0 if self.unseen or self.strategy is Strategy.AB else len(self.steps) - 1

    def required_traffic(
        self,
        requests_per_block: float,
        base_rates: Mapping[str, float] | None = None,
        *,
        power: float = 0.9,
    ) -> Traffic:
        """The requests and blocks needed to promote a canary that is as good, and to notice one twice as bad.

        Args:
            requests_per_block: of both versions together.
            base_rates: the champion's, for metrics without `base_rate` (of a latency the share slower than
                its slo).
            power: with this probability an equal canary is promoted within the blocks said.

        Raises BadInput where the canary could not be decided within max_blocks; it says what would do.
        """
        return needed(self, requests_per_block, dict(base_rates or {}), power)

    def learn(self, history: Iterable[Block]) -> "CanaryPlan":
        """The same plan with base rates and noise from blocks of the champion against itself.

        Both arms of each block are the champion's pods, in about the shares of the canary to come. What
        is set stays as it is. A day of blocks makes the judge as fast as it can be on calm traffic, and
        careful on restless one. Raises BadInput for fewer than 60 blocks.
        """
        return self.with_metrics(learnt_metrics(self.streams, self.metrics, history))

    def with_metrics(self, metrics: Sequence[Metric]) -> "CanaryPlan":
        """The same plan for other metrics."""
        return replace(self, metrics=tuple(metrics))

    def _problem(self) -> str | None:
        names = [m.name for m in self.metrics]
        if not names or len(set(names)) != len(names):
            return f"it needs metrics, each name once; they are {names}"
        if not any(m.harms for m in self.metrics):
            return "no metric can roll the canary back: all weights are 0"
        if not (0 < self.alpha_harm < 0.5 and 0 < self.alpha_promote < 0.5):
            return f"alpha_harm {self.alpha_harm} and alpha_promote {self.alpha_promote} must be in (0, 0.5)"
        if (
            list(self.steps) != sorted(set(self.steps))
            or not 0 < self.steps[0] <= self.steps[-1] <= 100
        ):
            return f"steps must rise, each between 1 and 100; they are {list(self.steps)}"
        if min(self.max_blocks, self.min_requests, self.hold_blocks, self.patience) < 1:
            return "max_blocks, min_requests, hold_blocks and patience must be at least 1"
        if self.strategy is Strategy.AB and not any(m.kind is Evidence.VALUE for m in self.metrics):
            return "strategy ab needs a metric of kind value, the business figure it is about"
        return None


def _default_metrics(cfg: Config) -> list[Metric]:
    rollout, slo = cfg.rollout, cfg.monitoring.latency_slo_ms
    edges = tuple(slo * part for part in SLO_PARTS)
    return [
        Metric("errors", margin=rollout.error_margin),
        Metric("nulls", margin=rollout.error_margin),
        Metric(
            "latency",
            kind=Evidence.LATENCY,
            margin=rollout.latency_margin,
            edges=edges,
            slo=slo,
        ),
    ]
