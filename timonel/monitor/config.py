"""MonitorConfig: how a model is watched. Every setting has a default that works."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from timonel.config import Config
from timonel.config.section import Label, Section, Share
from timonel.config.sections import Costs
from timonel.durations import Duration
from timonel.terms import Task

Role = Literal[
    "prediction_id",
    "timestamp",
    "prediction",
    "score",
    "actual",
    "arrived_at",
    "version",
    "entity",
    "latency_ms",
    "status",
    "explored",
    "violations",
    "features",
]
"""What a column of a log, or a key of `metadata`, may be."""


class MonitorConfig(Section):
    """Settings of a `ModelMonitor`."""

    name: str = ""
    """The model's name, for the report. Default: the contract's."""
    task: Task | None = None
    """What the model predicts. Default: the reference's, else told from the first predictions."""
    classes: tuple[Label, ...] | None = None
    """The outcome's values, of a binary task the positive one last. Default: the reference's; 0 and 1."""
    threshold: Share | None = None
    """Binary: where a prediction is given as a probability, the one that counts as positive from.
    Default: the reference's, else 0.5."""
    window: Duration = timedelta(minutes=15)
    """Length of the windows that are judged for anomalies: a multiple of 15 minutes."""
    lateness: Duration = timedelta(0)
    """Windows are judged only so long after their end, in event time: what comes later is not judged. For
    monitors that merge parcels, until every detector has sent its own."""
    retention: Duration = timedelta(days=35)
    """How long windows are kept; what is older is dropped and counted."""
    false_alarms_per_month: Annotated[float, Field(gt=0)] = 1.0
    """Budget of false alarms of the whole model: half for drift, half for all other metrics."""
    latency_slo_ms: Annotated[float, Field(gt=0)] = 100.0
    """A prediction slower than this breaks the service level."""
    costs: Costs = Costs()
    """What an error costs, for cost_per_prediction."""
    beta: Annotated[float, Field(gt=0)] = 2.0
    """Weight of recall in fbeta: 2 counts recall twice as much as precision."""
    cases_per_day: Annotated[int, Field(ge=1)] = 100
    """How many of the highest scores people look into a day: precision_at_k is judged on them."""
    k: Annotated[int, Field(ge=1, le=100)] = 10
    """Ranking: how many items of a list count."""
    suppressed: Literal["positive"] | None = None
    """positive: rows predicted positive are blocked, so that their label never comes (blocked fraud). Then
    quality is told from the rows marked `explored`, which were let through at random."""
    exploration_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the predicted positives that are let through at random and marked `explored`."""
    label_maturity: Duration | None = None
    """Age by which nearly all labels have come. Default: learnt from how they come."""
    slices: tuple[str, ...] = ()
    """Columns whose values are watched one by one; see `slice=` of calculate_metrics."""
    columns: Mapping[Role, str] = {}
    """Where the log's columns have other names: {"timestamp": "occurred_at"}."""
    max_pending: Annotated[int, Field(ge=1)] = 1_000_000
    """Predictions that wait for their label; the oldest are given up beyond, and counted."""
    max_ahead: Duration = timedelta(days=1)
    """How far time may jump ahead at once: an event beyond is held back until others confirm the jump."""
    learning_rows: Annotated[int, Field(ge=200, le=100_000)] = 2000
    """Without a reference: rows that the first stable stretch must have, at least."""
    learning_span: Duration = timedelta(days=1)
    """Without a reference: how long the first stable stretch must be, at least."""

    @classmethod
    def of(cls, config: Config) -> "MonitorConfig":
        """What timonel.yaml says of watching the model."""
        data, watching = config.data, config.monitoring
        columns: dict[Role, str] = {"timestamp": data.time} if data.time else {}
        columns |= {"prediction_id": data.key} if data.key else {}
        columns |= {"entity": data.entity} if data.entity else {}
        columns |= {"actual": data.target}
        return cls(
            name=config.model.name,
            task=config.model.task,
            threshold=config.serving.threshold,
            window=watching.window,
            false_alarms_per_month=watching.false_alarms_per_month,
            latency_slo_ms=watching.latency_slo_ms,
            costs=config.costs,
            slices=config.evaluation.slices,
            label_maturity=data.label_delay or None,
            columns=columns,
        )
