"""The answers of the API, as OpenAPI describes them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from timonel.performance.value import State
from timonel_serving.monitor.models.states import HealthState


class Answer(BaseModel):
    """What the API answers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", from_attributes=True, use_attribute_docstrings=True
    )


class Problem(Answer):
    """RFC 9457: what went wrong and what to do."""

    type: str
    """urn:timonel:problem: and the code."""
    title: str
    status: int
    detail: str
    code: str
    """Stable: what a program should look at."""
    fix: str | None = None
    request_id: str


class Value(Answer):
    """A figure, with its 95 % interval where there is one, or why there is none."""

    value: float | None
    lower: float | None
    upper: float | None
    n: int
    """Rows that it rests on."""
    state: State
    bound: float | None = None
    """Of a figure from a histogram: how far its bins may put it off, in its own unit."""
    assumption: str | None = None
    """Of an estimate without labels: what it rests on."""
    trusted: bool | None = None
    """Of an estimate: whether it held on the days whose labels have come."""
    n_ignored: int | None = None
    """Of an estimate: rows without a score."""


class Metrics(Answer):
    """The figures of one window of event time."""

    start: datetime
    end: datetime
    n: int
    n_labelled: int
    version: str | None
    slice: dict[str, str] | None
    labels_until: datetime | None
    """Quality is told from predictions up to here: the labels of later ones are still to come."""
    metrics: dict[str, Value]
    warnings: list[str]
    rejected: dict[str, int]
    """What could not be used since the monitor began, by reason."""


class Series(Answer):
    """The figures of windows that follow each other."""

    step_seconds: float
    points: list[Metrics]


class HealthAnswer(Answer):
    """How a model is."""

    model: str
    state: HealthState
    sentence: str
    since: datetime | None
    next_step: str
    runbook: str


class Models(Answer):
    """All models of this monitor."""

    models: list[HealthAnswer]


class EvidenceAnswer(Answer):
    """A reason to believe it."""

    text: str
    number: float | None


class AnomalyAnswer(Answer):
    """What is abnormal, or was."""

    what: str
    where: dict[str, str | None]
    severity: str
    phase: str
    since: datetime
    updated: datetime
    observed: Value
    expected: float | None
    baseline: tuple[float, float] | None
    evidence: list[EvidenceAnswer]
    next_step: str
    sentence: str


class Anomalies(Answer):
    """Most severe first."""

    model: str
    open: list[AnomalyAnswer]
    cleared: list[AnomalyAnswer]


class DecisionAnswer(Answer):
    """A record of the ledger's chain of decisions."""

    seq: int
    time: str
    kind: str
    model: str | None
    version: str | None
    summary: str
    details: dict[str, Any]
    previous: str
    hash: str


class Decisions(Answer):
    """Newest first."""

    model: str
    decisions: list[DecisionAnswer]


class DetectorAnswer(Answer):
    """A detector as the monitor knows it."""

    name: str
    mark: int
    newest_event: datetime | None
    last_heard: datetime
    lag_seconds: float | None
    stale: bool
    contested: bool
    """Whether another one of this name is at work, too; what that one sends is refused."""


class DiagnosisAnswer(Answer):
    """Why the model got worse, as it was recorded last."""

    model: str
    running: bool
    """Whether another one is under way."""
    record: int | None
    """Its number in the ledger's chain of decisions; null: there is none yet."""
    hash: str | None
    time: datetime | None
    """In event time: the newest prediction that it looked at."""
    diagnosis: dict[str, Any] | None
    """As `timonel diagnose --json` prints it: state, cause, action, the ranked findings with share, evidence,
    counter-evidence and runbook, what is unexplained, and what could not be asked."""


class DetectorsAnswer(Answer):
    """By name."""

    model: str
    detectors: list[DetectorAnswer]


class MarkAnswer(Answer):
    """How far a detector's deliveries are safely on disk."""

    mark: int
    """A position in its spool; 0 for a detector that is not known."""


class VersionCounts(Answer):
    """The requests of one version."""

    version: str
    n: int
    ok: int
    error: int
    timeout: int
    rejected: int
    null: int
    """Without a prediction, though they did not fail."""
    slow: int
    """Slower than monitoring.latency_slo_ms."""
    violating: int
    """Against the data contract."""
    latency: list[int]
    """Requests of known latency by its cell: one more than there are edges."""


class Counts(Answer):
    """Exact counts, which may be subtracted from each other."""

    model: str
    start: datetime
    end: datetime
    latency_edges_ms: list[float]
    versions: list[VersionCounts]


class LabelsAnswer(Answer):
    """What became of the labels that were sent; the counts add up to `rows`."""

    model: str
    rows: int
    applied: int
    duplicate: int
    corrected: int
    outdated: int
    conflicting: int
    waiting: int
    """Of predictions that are not known yet."""
    rejected: dict[str, int] = Field(examples=[{"arrived_at is no time": 1}])


class Alive(Answer):
    """Whether the process works."""

    judging: bool
    heartbeat: datetime | None
    """End of the last whole round of judging, by the wall clock."""
