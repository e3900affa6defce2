"""The sections of timonel.yaml. Each setting says its unit, its default and why one would change it."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from timonel.config.section import Label, LogLevel, Port, Section, Share
from timonel.durations import Duration
from timonel.terms import Candidate, OnViolation, Proof, Task, Undecided

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$")]


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
    since: datetime | None = None
    """Rows from before this time are left out, all but `reservoir` of them; naive is UTC. Default: all
    are used."""
    reservoir: Annotated[int, Field(ge=0)] = 0
    """Rows from before `since` that are learnt from all the same, drawn at random."""
    half_life: Duration | None = None
    """Age, back from the newest training row, at which a row counts half. Default: all count alike."""
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


class Challenge(Section):
    """What a challenger must show against the champion on the test rows before it is registered."""

    metric: str | None = None
    """What it must be better by. Default: train.metric or what that defaults to; for a recalibration
    log_loss, for a moved threshold cost."""
    require: Proof = Proof.SUPERIORITY
    """superiority: it must be shown to be better; non_inferiority: worse by less than `margin` will do,
    as for a retraining by age."""
    margin: Annotated[float, Field(gt=0)] = 0.01
    """With non_inferiority: how much worse it may be, in the unit of the metric."""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Probability of being deceived by chance, of each gate. Of the slices together: of refusing a
    challenger that is as good as the champion in all of them."""
    slice_margin: Annotated[float, Field(gt=0)] = 0.1
    """How much more loss it may have in a group of `slices`, as a share of the champion's loss there. The
    loss is the metric where that is a mean over rows, else log_loss."""
    slice_rows: Annotated[int, Field(ge=30)] = 200
    """Rows below which a group is not judged."""
    undecided_slices: Undecided = Undecided.ALLOW
    """What happens where a group has too few rows to show either: allow (it is reported) or refuse."""
    calibration_margin: Annotated[float, Field(gt=0)] = 0.02
    """How much larger its calibration error (ece) may be."""
    latency_margin_ms: Annotated[float, Field(gt=0)] = 5.0
    """How much longer the p95 of single rows may be, in milliseconds."""
    robustness_margin: Annotated[float, Field(gt=0)] = 0.1
    """How much more loss it may have on spoilt rows (values missing, noise), as a share of the champion's
    loss on the same rows."""


class Evaluation(Section):
    """How the chosen model is examined."""

    gates: tuple[Gate, ...] = ()
    """All must hold, else nothing is registered."""
    challenge: Challenge | None = None
    """Gates against the champion. `timonel retrain` always applies them, with defaults where this is not
    set; without it `timonel train` applies `gates` alone."""
    golden: str | None = None
    """A CSV or Parquet file of frozen rows that every model must answer: the features, and `expected` (the
    class) or `score_min` and `score_max`. The first training writes it where there is none."""
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
