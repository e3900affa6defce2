"""The sections of timonel.yaml that say how a challenger is released."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from timonel.config.section import Section, Share
from timonel.durations import Duration, format_duration
from timonel.terms import Assignment, Evidence, Strategy


class CanaryMetric(Section):
    """What is compared between the canary and the champion."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:=\[\] -]{1,128}$")]
    """The name of its counts in the blocks."""
    kind: Evidence = Evidence.RATE
    """rate: a share of requests; latency, scores: a histogram; paired: labelled rows that both versions
    scored; loss: a loss on such rows; value: a business figure, for `strategy: ab`."""
    margin: float | None = None
    """How much worse the canary may be and still be promoted, as a difference of shares (of a loss or
    value, in its unit). Default: it can stop the canary but need not be shown harmless."""
    harm_margin: Annotated[float, Field(ge=0)] = 0.0
    """How much worse the canary may be before evidence counts as harm. 0: any real worsening rolls back."""
    ratio: Annotated[float, Field(ge=0)] = 1.0
    """Factor on the champion's rate in both margins; 0 makes them absolute ceilings for the canary."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """Its part of alpha_harm beside the other metrics; 0: it is shown and cannot roll back."""
    support: Annotated[int, Field(ge=0)] = 0
    """Rows of the canary below which it is not judged: for segments."""
    edges: tuple[float, ...] = ()
    """Of a histogram: the bounds between its cells, rising."""
    slo: float | None = None
    """Of a latency: the edge whose share of slower requests must be shown harmless. Default: the last."""
    base_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The champion's rate before the start (of a latency: at the slo). Default: learnt from the history, or
    on the way."""
    noise: Annotated[float, Field(ge=0)] | None = None
    """How much an arm's rate wanders by itself: the long-run variance of its relative noise a block, 0 for
    independent requests. Default: learnt from the history, or cautiously on the way."""


class Rollout(Section):
    """How a challenger is released."""

    strategy: Strategy = Strategy.CANARY
    """One of canary (a share that rises), blue_green (judged on mirrored requests, then all at once), ab (a
    fixed split to a fixed horizon) and shadow (mirrored requests alone)."""
    steps: Annotated[tuple[int, ...], Field(min_length=1)] = (5, 25, 50)
    """Traffic of the canary in percent, step by step. Of `ab` the first is the split."""
    alpha_harm: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Probability of rolling back a canary that is as good as the champion."""
    alpha_promote: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Probability of promoting a canary that is worse than the margin."""
    error_margin: Annotated[float, Field(gt=0, lt=1)] = 0.002
    """Rise of the error rate that is tolerable."""
    latency_margin: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Rise of the share of requests slower than monitoring.latency_slo_ms that is tolerable."""
    metrics: Annotated[tuple[CanaryMetric, ...], Field(min_length=1, max_length=200)] | None = None
    """What is compared. Default: `errors` and `nulls` with error_margin, `latency`
    (a histogram) with latency_margin at monitoring.latency_slo_ms."""
    block: Duration = timedelta(minutes=1)
    """Length of the blocks that are counted and judged."""
    max_blocks: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """Blocks after which the canary is given up as inconclusive; of `ab` the horizon."""
    warm_up: Duration = timedelta(minutes=2)
    """How long after its start a version's requests are not evidence: caches are cold."""
    min_requests: Annotated[int, Field(ge=1)] = 500
    """Requests that the canary must have had before it may be promoted."""
    hold_blocks: Annotated[int, Field(ge=1)] = 5
    """Blocks at least on each step of the traffic."""
    patience: Annotated[int, Field(ge=1)] = 5
    """Blocks in a row that may lack data before the canary is called inconclusive."""
    assignment: Assignment = Assignment.REQUEST
    """With request each request is drawn anew, as weighted routes do; with sticky an entity stays with a
    version."""
    requests_per_entity: Annotated[float, Field(ge=1)] = 1.0
    """Requests of one entity during the canary: the mean of the squares over the mean."""
    entity_correlation: Share = 0.0
    """How alike the outcomes of one entity's requests are: the intra-class correlation."""
    largest_imbalance: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """How far the odds of reaching the canary may be off the weight; more stops it as a sample-ratio
    mismatch."""
    baseline_age: Duration | None = timedelta(hours=1)
    """How much longer than the canary's processes the champion's may have run, where that is known; a
    longer lead is no fair comparison. null: no matter."""

    @model_validator(mode="after")
    def _steps_rise(self) -> "Rollout":
        if (
            list(self.steps) != sorted(set(self.steps))
            or not 0 < self.steps[0] <= self.steps[-1] <= 100
        ):
            raise ValueError("steps must rise, each between 1 and 100")
        return self


Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]{1,64}$")]


class Sticky(Section):
    """By what an entity stays with a version, of `rollout.assignment: sticky`: exactly one of them."""

    cookie: Token | None = None
    """A cookie that the router sets with the first answer. A step of the traffic moves new entities only."""
    header: Token | None = None
    """A request header with the entity's cohort, 0 to 99, that the caller derives from its id by a hash: the
    challenger has the cohorts below its weight, so that a step moves only those that it adds."""

    @model_validator(mode="after")
    def _one(self) -> "Sticky":
        if (self.cookie is None) == (self.header is None):
            raise ValueError("sticky takes either cookie or header")
        return self


class Release(Section):
    """How this machine carries out what section `rollout` says: the router and the processes behind it."""

    host: str = "127.0.0.1"
    """Address that requests come to."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    """Port that requests come to."""
    approval: bool = False
    """Whether a person has to approve a promotion, with `timonel rollout approve`."""
    approval_within: Duration = timedelta(days=1)
    """How long a promotion waits for that before it is given up."""
    sticky: Sticky | None = None
    """By what an entity stays with a version; needed for `rollout.assignment: sticky`."""
    hold: Duration = timedelta(minutes=15)
    """Of `blue_green`: how long the predecessor stays warm after the change, on copies of the requests, and
    takes all of them back at once if the new version does harm."""
    values: str | None = None
    """Of `ab`: a CSV or Parquet file (or a glob) that is appended to, a row for each request that brought
    something: `time` of the request, `version` (the answer's header X-Timonel-Version), and a column named as
    each metric of kind value."""
    lease: Duration = timedelta(minutes=10)
    """After such a silence of a rollout another one of the same model may begin."""
    start_within: Duration = timedelta(minutes=2)
    """How long a process may take to be ready."""
    replay_rows: Annotated[int, Field(ge=100, le=1_000_000)] = 5000
    """Logged rows that both versions score anew at a time, for metrics that compare them row by row: in each
    block, and in each vintage of the second verdict. Which of more rows are taken is drawn."""
    vintage: Duration = timedelta(days=1)
    """The second verdict judges stretches of this length, each when its labels have matured
    (data.label_delay)."""
    second_within: Duration = timedelta(days=30)
    """How long after a promotion a second verdict may still roll it back; then it stays undecided."""
    second_margin: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Rise of the share of wrong answers that the second verdict tolerates."""

    @model_validator(mode="after")
    def _lease_lasts(self) -> "Release":
        if self.lease < timedelta(seconds=30):
            raise ValueError(f"lease is {format_duration(self.lease)}, expected 30s or more")
        return self
