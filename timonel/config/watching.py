"""The section monitoring of timonel.yaml: detector, monitor, alerts."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from timonel.config.section import LogLevel, Port, Section, Share
from timonel.durations import Duration, format_duration

Budget = Annotated[float, Field(gt=0, le=0.05)]
Keep = Literal["drop", "hash", "keep"]
AlibiKind = Literal["tabular", "ks", "cvm", "classifier"]


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
    diagnose_every: Duration | None = timedelta(minutes=15)
    """Least time between two diagnoses. One is made in a process of its own, from the ledger, when an anomaly
    or a drift opens, and once a day while one is open; null: none."""
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
