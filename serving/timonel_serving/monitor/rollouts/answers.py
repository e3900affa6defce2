"""What is asked and answered about rollouts, as OpenAPI describes it."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from timonel.canary import Verdict
from timonel_serving.monitor.api.schemas import Answer, Value
from timonel_serving.monitor.rollouts.state import Hosted

_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)
Version = Annotated[str, Field(min_length=1, max_length=200)]


class Opening(BaseModel):
    """A rollout to be judged by section `rollout` of timonel.yaml."""

    model_config = _STRICT

    stable: Version
    """The version that serves now, as events name it."""
    canary: Version
    """The one that is to take its place."""
    id: Annotated[str, Field(max_length=100)] | None = None
    """Names it in addresses. Default: the time and the canary's version."""
    force: bool = False
    """Begin although the traffic of late cannot decide it within `rollout.max_blocks`."""


class Told(BaseModel):
    """What the route was set to."""

    model_config = _STRICT

    weight: Annotated[float, Field(ge=0, le=100)] | None
    """Traffic of the canary in percent; null while the route is being changed."""


class Hook(BaseModel):
    """What Flagger sends to a webhook; fields of later releases are taken, too."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = ""
    namespace: str = ""
    phase: str = ""
    metadata: dict[str, Any] | None = None
    """With `canary` or `stable`: versions that the rollout must be about."""


class MetricAnswer(Answer):
    """Where one metric stands; intervals hold at all looks at once, 95 % each."""

    name: str
    e_harm: float | None
    """Evidence that the canary is worse; null of what cannot roll back."""
    harm_bar: float | None
    """From which e_harm it rolls back."""
    e_safe: float | None
    """Evidence that it is not worse by the margin; null of what need not be shown."""
    safe_bar: float | None
    difference: Value
    """Canary less stable."""
    stable: Value
    canary: Value


class VerdictAnswer(Answer):
    """What to do with a canary, and why."""

    id: str
    model: str
    stable: str
    canary: str
    verdict: Verdict
    """No data is continue at first and inconclusive after `rollout.patience` blocks; it is never promote."""
    final: bool
    """Whether no later block can change it."""
    weight: int
    """Traffic that the canary should have now, in percent."""
    told_weight: float | None
    """What the route was set to, as far as it was told; null: the share of the traffic is not checked."""
    blocks: int
    max_blocks: int
    canary_requests: int
    reasons: list[str]
    metrics: dict[str, MetricAnswer]
    opened: datetime
    until: datetime
    """End of the last block."""


class StepAnswer(Answer):
    """Something that happened to a rollout."""

    at: datetime
    step: str
    said: str


class RolloutAnswer(Answer):
    """One rollout in a list."""

    id: str
    model: str
    stable: str | None
    canary: str | None
    verdict: str
    """As of a verdict; "running" of one that a driver has not ended yet."""
    final: bool
    hosted: bool
    """Whether it is judged here; else it is told from the ledger's decisions."""
    opened: datetime
    steps: list[StepAnswer]


class RolloutsAnswer(Answer):
    """Newest first."""

    model: str
    rollouts: list[RolloutAnswer]


class GateAnswer(Answer):
    """The gate is open."""

    verdict: Verdict
    sentence: str


def verdict_of(one: Hosted) -> VerdictAnswer:
    """The answer about a rollout that is judged here."""
    said = one.decision or {"blocks": 0, "canary_requests": 0, "metrics": {}}
    first = one.plan.weight_at(0)
    metrics = {n: MetricAnswer.model_validate(m) for n, m in said["metrics"].items()}
    return VerdictAnswer(
        id=one.id,
        model=one.model,
        stable=one.stable,
        canary=one.canary,
        verdict=one.verdict,
        final=one.final,
        weight=0 if one.closed else said.get("weight", first),
        told_weight=one.weight,
        blocks=said["blocks"],
        max_blocks=one.plan.max_blocks,
        canary_requests=said["canary_requests"],
        reasons=[*one.reasons, *unseen(one)],
        metrics=metrics,
        opened=one.opened,
        until=one.block_end,
    )


def unseen(one: Hosted) -> list[str]:
    """Versions of which nothing was ever counted: a misspelt name looks so."""
    known = one.totals.versions
    if one.decision is None:
        return []
    others = ", ".join(sorted(filter(None, known))) or "none"
    return [
        f"no request of version {name} has been counted since {one.counted_from:%Y-%m-%d %H:%M} UTC; "
        f"versions that were: {others}"
        for name in (one.stable, one.canary)
        if name not in known
    ]
