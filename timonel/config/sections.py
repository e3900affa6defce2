"""The sections of timonel.yaml. Each setting says its unit, its default and why one would change it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from timonel.durations import Duration, format_duration
from timonel.terms import Assignment, Candidate, Evidence, OnViolation, Strategy, Task

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$")]
Share = Annotated[float, Field(ge=0, le=1)]
Budget = Annotated[float, Field(gt=0, le=0.05)]
Port = Annotated[int, Field(ge=0, le=65535)]
Label = bool | int | str
LogLevel = Literal["debug", "info", "warning", "error"]
Keep = Literal["drop", "hash", "keep"]
AlibiKind = Literal["tabular", "ks", "cvm", "classifier"]


class Section(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=()
    )


class Model(Section):
    """Which model this is."""

    name: Name
    """Lower-case letters, digits and dashes: the name in the registry, in URLs and on the cluster."""
    task: Task = Task.BINARY
    """binary and multiclass predict a class from columns, text a class from text; ranking orders items
    for a user, from who chose what and when."""
    description: str = ""
    """One line for the model card."""


class Data(Section):
    """Where the table is and what its columns mean."""

    source: str
    """A CSV or Parquet file, a Delta table, an s3:// address or a SQLAlchemy URL. A relative path
    starts at this file's folder."""
    query: str | None = None
    """For a SQL source: the SELECT statement that gives the table."""
    target: str
    """The column to predict; of a ranking task the item that was chosen."""
    positive: Label | None = None
    """For a binary task: the value of the target that is worth finding. Default: the rarer value."""
    time: str | None = None
    """The column that says when a row happened. With it the split is by time, never random."""
    time_order: Literal["strict", "sort"] = "strict"
    """strict refuses a table whose time goes back (often a botched export); sort puts it in order."""
    key: str | None = None
    """The column that names a row: it must be unique."""
    entity: str | None = None
    """The column that says whose row it is (customer, card): rows of one entity are not independent.
    Of a ranking task the user."""
    features: tuple[str, ...] | None = None
    """The columns the model sees. Default: all but target, time, key, entity and `drop`."""
    drop: tuple[str, ...] = ()
    """Columns the model must not see, such as those known only after the fact."""
    categorical: tuple[str, ...] = ()
    """Numeric columns that are really codes, to be treated as categories."""
    text: str | None = None
    """For a text task: the column with the text."""
    label_delay: Duration = timedelta(0)
    """How long after a row its label arrives. Such a stretch is kept free between training and test."""


class Ranking(Section):
    """How items are ranked, for a ranking task."""

    k: Annotated[int, Field(ge=1, le=1000)] = 10
    """Length of a list: what figures are computed for, and what a request gets that asks for none."""
    max_k: Annotated[int, Field(ge=1, le=1000)] = 100
    """The longest list that a request may ask for."""
    category: str | None = None
    """The column with an item's category: with it the diversity of a list is measured."""
    exclude_seen: bool = True
    """Whether items that a user chose before are left out; false where people choose again (food)."""

    @model_validator(mode="after")
    def _k_allowed(self) -> "Ranking":
        if self.k > self.max_k:
            raise ValueError(f"k is {self.k}, more than max_k {self.max_k}")
        return self


class Costs(Section):
    """What an error costs, in any unit of money: the decision threshold minimises the sum."""

    false_positive: Annotated[float, Field(ge=0)] = 1.0
    """Cost of raising a false alarm."""
    false_negative: Annotated[float, Field(ge=0)] = 1.0
    """Cost of missing a positive."""


class Split(Section):
    """How rows are divided. By time where there is a time column, else by a seeded shuffle."""

    validation: Annotated[float, Field(gt=0, lt=0.5)] = 0.2
    """Share of rows that choose between candidates and set the threshold."""
    test: Annotated[float, Field(gt=0, lt=0.5)] = 0.2
    """Share of rows, the newest ones, that only the final evaluation sees."""
    embargo: Duration | None = None
    """A stretch left out before validation and before test. Default: data.label_delay."""


class Train(Section):
    """How candidates are trained."""

    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1)] | None = None
    """Which estimators compete. Default: all that fit the task."""
    metric: str | None = None
    """What decides between them on the validation rows. Default: pr_auc, for multiclass log_loss, for
    ranking ndcg_at_k."""
    trials: Annotated[int, Field(ge=1, le=500)] = 12
    """Hyper-parameter settings that enter successive halving, for each candidate. 1: no search."""
    max_rows: Annotated[int, Field(ge=100)] = 200_000
    """Rows used for training at most, the newest."""
    seed: int = 0
    """Fixes every random choice: the same data and seed give the same model."""


class Gate(Section):
    """One condition on the test rows that must hold before a model is registered."""

    metric: str
    """A metric of the evaluation, such as roc_auc, pr_auc, f1, brier, ece, log_loss, latency_p95_ms."""
    at_least: float | None = None
    """The lower end of the metric's interval must reach this (use for metrics that should be high)."""
    at_most: float | None = None
    """The upper end of the metric's interval must not pass this (use for metrics that should be low)."""
    max_loss_to_champion: Annotated[float, Field(ge=0)] | None = None
    """How much worse than the champion on the same rows the model may be at most."""

    @model_validator(mode="after")
    def _one_condition(self) -> "Gate":
        if self.at_least is None and self.at_most is None and self.max_loss_to_champion is None:
            raise ValueError("a gate needs at_least, at_most or max_loss_to_champion")
        return self


class Evaluation(Section):
    """How the chosen model is examined."""

    gates: tuple[Gate, ...] = ()
    """All must hold, else nothing is registered."""
    slices: tuple[str, ...] = ()
    """Categorical columns whose groups are evaluated one by one. A ranking is evaluated by how much is
    known of the user instead."""
    bootstrap: Annotated[int, Field(ge=50, le=10_000)] = 200
    """Resamples behind each interval."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Level of the intervals."""


class Serving(Section):
    """The predictor."""

    host: str = "127.0.0.1"
    """Address to listen on. 0.0.0.0 in a container."""
    port: Port = 8080
    """REST port; 0 takes a free one."""
    grpc_port: Port | None = 8081
    """gRPC port; 0 takes a free one, null switches gRPC off."""
    explain_port: Port = 8082
    """Port of the explainer, with `timonel serve --explain`; 0 takes a free one."""
    explain_max_batch: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Rows that one request may have explained: an explanation costs far more than a prediction."""
    on_violation: OnViolation = OnViolation.REJECT
    """reject answers 400 (V1) or 422 (V2) naming the field; flag serves the row and marks it."""
    threshold: Share | None = None
    """Score from which a row counts as positive. Default: the cost-optimal one found in training."""
    max_batch: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Rows a request may have."""
    max_body_mb: Annotated[float, Field(gt=0, le=1024)] = 16.0
    """Size of a request body in megabytes."""
    max_queue: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Requests that may wait for the model; the next one is answered 503 with Retry-After."""
    drain_seconds: Annotated[float, Field(ge=0, le=3600)] = 20.0
    """Time that requests under way have to finish at SIGTERM."""
    log_url: str | None = None
    """Where each inference is sent as a CloudEvent. Default: nowhere."""
    log_queue: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Inferences that may wait to be sent; more are dropped and counted, a response never waits."""
    log_level: LogLevel = "info"
    """From which level on messages are logged, of the explainer too."""


class Alibi(Section):
    """A detector of Alibi Detect beside Timonel's own, in a process of its own. Needs the extra `alibi`,
    whose licence (BSL 1.1) production use has to meet."""

    kind: AlibiKind | None = None
    """Made from the reference: tabular tests each column (Kolmogorov-Smirnov, chi-squared), ks and cvm
    (Cramer-von Mises) each of numbers, classifier all columns together."""
    storage_uri: str | None = None
    """Instead of kind: a detector that `save_detector` wrote: a directory, file:// or s3://. A relative path
    starts at this file's folder."""
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """SHA-256 of the saved detector; another one is refused. The log says it when the detector is loaded."""
    allow_pickle: bool = False
    """Whether a saved detector may hold pickles, models or functions: who wrote it then runs any code."""
    features: Annotated[tuple[str, ...], Field(min_length=1, max_length=2000)] | None = None
    """The columns, in the order of the detector's. Default: all features of the reference."""
    batch_size: Annotated[int, Field(ge=30, le=100_000)] = 1000
    """Rows of a window."""
    every: Duration | None = None
    """After this time a window is judged though it has fewer rows (at least 30). Default: only full ones."""
    p_value: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Probability that a window without drift is called drifted, over all its columns."""
    sink: str | None = None
    """Where each verdict is sent as a CloudEvent. Default: the environment's K_SINK, else nowhere."""
    event_type: str = "io.seldon.serving.inference.drift"
    """Type of that event."""
    event_source: str | None = None
    """Its source. Default: /timonel/detector/ and the model's name."""
    timeout: Duration = timedelta(minutes=1)
    """How long a verdict may take, and loading the detector two minutes at least; then it is started anew."""
    memory_mb: Annotated[float, Field(ge=256)] = 2048.0
    """Megabytes that its process may take; at that it is started anew."""

    @model_validator(mode="after")
    def _one_detector(self) -> "Alibi":
        if (self.kind is None) == (self.storage_uri is None):
            raise ValueError("alibi needs either kind or storage_uri")
        if self.kind is not None and (self.digest is not None or self.allow_pickle):
            raise ValueError("digest and allow_pickle are for a detector from storage_uri")
        return self


class Detector(Section):
    """The detector, which takes the events of inferences beside the predictor."""

    host: str = "127.0.0.1"
    """Address to listen on. 0.0.0.0 in a container."""
    port: Port = 9300
    """Port; 0 takes a free one."""
    durable: bool = False
    """Whether an event is on the disk itself (fsync) before it is answered, so that not even a power
    loss takes it. An answered event outlives the death of the process either way."""
    spool_mb: Annotated[float, Field(gt=0)] = 1024.0
    """Megabytes of events kept on disk; the oldest go first, and are counted."""
    max_body_mb: Annotated[float, Field(gt=0, le=1024)] = 16.0
    """Size of a message in megabytes, unpacked."""
    join_timeout: Duration = timedelta(minutes=1)
    """How long a request waits for its response, and the other way round."""
    services: tuple[str, ...] | None = None
    """Names of the inference services whose events are taken. Default: all."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")] | None = None
    """By which ledger and monitor know how far it has come: no two detectors may have the same one, and
    a restart keeps it. Default: the host's name, in Kubernetes the pod's."""
    monitor_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+")] | None = None
    """Address of the monitor that gets the windows; its token comes from TIMONEL_TOKEN. Default: none."""
    ledger: bool = True
    """Whether predictions are kept in the ledger (`storage.ledger`)."""
    commit_every: Duration = timedelta(seconds=30)
    """How long rows wait to be written to the ledger together; 50,000 do not wait."""
    hand_over_every: Duration = timedelta(seconds=5)
    """How long windows wait to be handed to the monitor."""
    outbox_rows: Annotated[int, Field(ge=1000, le=10_000_000)] = 100_000
    """Rows in memory that may wait for ledger or monitor. Beyond, events stay in the spool."""
    privacy: Mapping[str, Keep] = {}
    """What is stored of a column: keep its values, hash (HMAC-SHA-256 with the key in TIMONEL_HASH_KEY), or
    drop. Default: text is dropped, all else kept. Drift is watched either way."""
    log_level: LogLevel = "info"
    """From which level on messages are logged."""
    alibi: Alibi | None = None
    """A detector of Alibi Detect, see below. Default: none."""

    @model_validator(mode="after")
    def _room(self) -> "Detector":
        if self.spool_mb < 4 * self.max_body_mb:
            raise ValueError(
                f"spool_mb is {self.spool_mb:g}, less than four times max_body_mb {self.max_body_mb:g}"
            )
        return self


class Alerts(Section):
    """When Prometheus alerts: `timonel alerts render` writes its rules from these. A page is for somebody
    at once, a ticket for this week."""

    error_budget: Budget = 0.001
    """Share of predictions that may fail or time out over 30 days; like the other budgets: spent 14.4 times
    as fast for an hour, or 6 times for 6 hours, it pages; 3 times for a day, or just as fast for 3 days, it
    is a ticket."""
    null_budget: Budget = 0.005
    """Share of answers that may hold no prediction."""
    violation_budget: Budget = 0.01
    """Share of rows that may break the data contract."""
    latency_objective: Annotated[float, Field(ge=0.95, lt=1)] = 0.99
    """Share of predictions that must not be slower than monitoring.latency_slo_ms."""
    least_failures: Annotated[int, Field(ge=1)] = 5
    """Bad predictions within the long window that a budget's alert needs: at night one may be all."""
    largest_gap: Annotated[float, Field(gt=0, le=1)] = 0.05
    """How far labels may show a lower figure than is estimated without them."""
    page_for: Duration = timedelta(minutes=5)
    """How long what pages must last, such as an anomaly or a monitor that is gone."""
    ticket_for: Duration = timedelta(hours=1)
    """How long what is a ticket must last, such as a drift."""
    no_data_for: Duration = timedelta(minutes=15)
    """How long the model may have no predictions. Longer for one that sleeps at night."""
    labels: bool = True
    """Whether labels are expected at all; false leaves out the alerts on labels that do not come."""
    label_grace: Duration = timedelta(days=1)
    """How long no label may arrive. The first ones may take data.label_delay longer."""
    mature_share: Share = 0.5
    """Share of the predictions old enough that must have their label."""
    detector_lag: Duration = timedelta(minutes=15)
    """How far a detector's newest event may lie behind the newest of all detectors."""
    heartbeat: Duration = timedelta(minutes=5)
    """How old the monitor's last round of judging may be."""
    runbook_url: str = "docs/runbooks/{page}.md"
    """Where the runbooks are, {page} standing for one's name: https://docs.example/runbooks/{page}/. The
    default is their place in the repository."""
    dashboard_url: str = "http://127.0.0.1:9400/models/{model}"
    """Where the model's page is, {model} standing for its name."""


class MonitorService(Section):
    """The monitor service, which merges what the detectors saw, takes labels and answers."""

    host: str = "127.0.0.1"
    """Address to listen on. 0.0.0.0 in a container; then TIMONEL_TOKEN must be set."""
    port: Port = 9400
    """Port; 0 takes a free one."""
    directory: str | None = None
    """Where its journal and snapshots lie. Default: `monitor` in storage.directory."""
    ledger: bool = True
    """Whether labels and hourly figures are kept in the ledger, too."""
    judge_every: Duration = timedelta(seconds=10)
    """Time between two rounds of judging: what the page, the API and /metrics say is at most so old."""
    snapshot_every: Duration = timedelta(minutes=5)
    """Time between two snapshots: a restart counts again what came since the last."""
    max_body_mb: Annotated[float, Field(gt=0, le=1024)] = 64.0
    """Size of a body in megabytes, unpacked."""
    lateness: Duration = timedelta(minutes=1)
    """How long, in event time, a window waits for slower detectors before it is judged."""
    stale_after: Duration = timedelta(minutes=5)
    """Silence after which a detector counts as stale, and the model if all of them do."""
    log_level: LogLevel = "info"
    """From which level on messages are logged."""


class Monitoring(Section):
    """How the model is watched once it serves."""

    window: Duration = timedelta(minutes=15)
    """Length of the smallest window that is judged."""
    false_alarms_per_month: Annotated[float, Field(gt=0)] = 1.0
    """Budget of false alarms for the whole model, over all its features."""
    latency_slo_ms: Annotated[float, Field(gt=0)] = 100.0
    """A prediction slower than this breaks the service level."""
    detector: Detector = Detector()
    """Settings of the detector, see below."""
    monitor: MonitorService = MonitorService()
    """Settings of the monitor service, see below."""
    alerts: Alerts = Alerts()
    """When Prometheus alerts, see below."""

    @model_validator(mode="after")
    def _rounds_fit(self) -> "Monitoring":
        if self.alerts.heartbeat < 2 * self.monitor.judge_every:
            raise ValueError(
                f"alerts.heartbeat is {format_duration(self.alerts.heartbeat)}, less than twice"
                f" monitor.judge_every {format_duration(self.monitor.judge_every)}: it would always fire"
            )
        return self


class Retraining(Section):
    """When a new model may be trained without a person."""

    max_age: Duration | None = None
    """Retrain at this age at the latest. Default: age is no reason."""
    cooldown: Duration = timedelta(days=1)
    """Time between two trainings at least."""
    weekly_budget: Annotated[int, Field(ge=0, le=100)] = 2
    """Trainings a week at most."""
    min_positives: Annotated[int, Field(ge=0)] = 200
    """New matured labels of the rarer class that a training needs."""


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
    lease: Duration = timedelta(minutes=10)
    """After such a silence of a rollout another one of the same model may begin."""
    start_within: Duration = timedelta(minutes=2)
    """How long a process may take to be ready."""

    @model_validator(mode="after")
    def _lease_lasts(self) -> "Release":
        if self.lease < timedelta(seconds=30):
            raise ValueError(f"lease is {format_duration(self.lease)}, expected 30s or more")
        return self


class Storage(Section):
    """Where Timonel keeps what it makes."""

    directory: str = ".timonel"
    """Data versions, runs, packages and the registry. A relative path starts at this file's folder."""
    tracking_uri: str | None = None
    """An MLflow server. Default: the environment's MLFLOW_TRACKING_URI, else SQLite in `directory`."""
    ledger: str | None = None
    """Where predictions, labels and decisions are kept: a directory or an s3:// address.
    Default: `ledger` in `directory`."""


class Resources(Section):
    """What a pipeline step may use on a cluster."""

    cpu: Annotated[str, Field(pattern=r"^\d+(\.\d+)?m?$")] = "1"
    """CPU request and limit of a training step."""
    memory: Annotated[str, Field(pattern=r"^\d+(\.\d+)?(Ki|Mi|Gi|Ti)?$")] = "2Gi"
    """Memory request and limit of a training step."""
    timeout: Duration = timedelta(hours=1)
    """A step that takes longer is stopped."""


Kind = Literal["numeric", "boolean", "categorical", "text", "timestamp"]
