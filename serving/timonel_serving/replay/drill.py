"""A drill: traffic scored by the running predictor, with or without a fault of known cause in it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from timonel.errors import BadInput
from timonel.faults import (
    INCIDENTS,
    BadDeploy,
    Incident,
    Model,
    Scenario,
    Severity,
    Truth,
    degradation,
)
from timonel.faults.columns import is_numeric
from timonel.faults.layout import FloatArray
from timonel_serving.replay.scorer import Scorer
from timonel_serving.replay.traffic import LAYOUT, Plan, draw

SEED = "seed"
"""Accuracy wears off, answers get slower, predictions go missing: the case that Timonel began with."""
HEALTHY = 0.4
"""Share of the time before a fault sets in."""
PROBES = 100


@dataclass(frozen=True)
class Fault:
    """What to put in."""

    name: str
    severity: Severity = Severity.MEDIUM
    columns: tuple[str, ...] = ()
    """Where; the first feature that the fault can be in, if not given."""

    def __post_init__(self) -> None:
        if self.name not in (SEED, *INCIDENTS):
            raise BadInput(
                f"there is no incident {self.name!r}, expected one of {', '.join((SEED, *INCIDENTS))}"
            )


@dataclass(frozen=True, eq=False)
class Drill:
    """What will be played, and the truth of it."""

    log: pa.Table
    """In the order in which it arrives."""
    truths: tuple[Truth, ...]
    accuracy: tuple[float, float]
    """Share of right predictions before the fault and in the last tenth."""


def prepare(
    scorer: Scorer,
    examined: pa.Table,
    plan: Plan,
    fault: Fault | None,
    threshold: float,
    classes: Sequence[Any],
    seed: int,
) -> Drill:
    """Draw the traffic, have it scored, put the fault in, and have scored anew what that changed."""
    rng = np.random.default_rng(seed)
    latency_ms = scorer.latency_ms(examined.slice(0, 1), PROBES)
    log = scorer.scored(draw(examined, plan, latency_ms, rng))
    onset = plan.start + HEALTHY * timedelta(days=plan.days)
    if fault is None:
        return Drill(log, (), _accuracy(log, onset))
    log, truths = struck(scorer, log, fault, onset, (threshold, tuple(classes)), rng)
    return Drill(log, truths, _accuracy(log, onset))


def struck(
    scorer: Scorer,
    log: pa.Table,
    fault: Fault,
    onset: datetime,
    cut: tuple[float, tuple[Any, ...]],
    rng: np.random.Generator,
) -> tuple[pa.Table, tuple[Truth, ...]]:
    """A scored log with a fault since `onset`, and the truth of it; what that changed is scored anew.

    `cut` is the threshold of the score, and the classes.
    """
    model = Model(lambda rows: _scores(scorer, rows), cut[0])
    injected = _scenario(fault, log, onset, model, cut[1]).apply(log, rng)
    log = injected.table.sort_by("arrival_time")
    if any(set(truth.changed) & set(scorer.features) for truth in injected.truths):
        log = scorer.scored(log)
    return log, injected.truths


def _scores(scorer: Scorer, rows: pa.Table) -> FloatArray:
    return np.asarray(scorer.scored(rows)["score"], dtype=np.float64)


def _scenario(
    fault: Fault, log: pa.Table, onset: Any, model: Model, classes: tuple[Any, ...]
) -> Scenario:
    layout = type(LAYOUT)(**{**vars(LAYOUT), "classes": classes})
    if fault.name == SEED:
        return degradation(log, onset, layout=layout)
    kind = INCIDENTS[fault.name]
    known = {field.name for field in fields(kind)}
    options: dict[str, Any] = {"severity": fault.severity, "onset": onset, "layout": layout}
    if (
        "model" in known and kind is not BadDeploy
    ):  # there `model` is the worse one, which nobody runs
        options["model"] = model
    if fault.columns:
        return Scenario((kind(columns=fault.columns, **options),))
    return Scenario((_somewhere(kind, log, options),))


def _somewhere(kind: type[Incident], log: pa.Table, options: dict[str, Any]) -> Incident:
    """The incident without columns if it takes none, else in the first feature that it can be in."""
    if not kind.takes and "rule" not in {field.name for field in fields(kind)}:
        return kind(**options)
    names = LAYOUT.features(log)
    numeric = [name for name in names if is_numeric(log.schema.field(name).type)]
    texts = [name for name in names if name not in numeric]
    candidates = [(name,) for name in (*numeric, *texts)] + [tuple(numeric[:2])]
    for columns in candidates:
        try:
            incident = kind(columns=columns, **options)
            incident.apply(log.slice(max(0, log.num_rows - 1000)), np.random.default_rng(0))
        except BadInput as error:
            refused = error
            continue
        return incident
    raise refused


def _accuracy(log: pa.Table, onset: Any) -> tuple[float, float]:
    right = np.asarray(
        pa.compute.fill_null(pa.compute.equal(log["prediction"], log["label"]), False)
    )
    answered = np.asarray(log["prediction"].is_valid())
    before = np.asarray(pa.compute.less(log["event_time"], pa.scalar(onset)))
    last = np.arange(log.num_rows) >= 0.9 * log.num_rows
    return (
        float(right[before & answered].mean()),
        float(right[last & answered].mean()),
    )
