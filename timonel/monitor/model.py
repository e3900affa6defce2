"""What is watched: the task, its classes, and the packs that count it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from timonel.errors import BadInput
from timonel.monitor.config import MonitorConfig
from timonel.monitor.outcomes import BinaryOutcome, ClassOutcome, OutcomeReader
from timonel.performance.packs.binary import BinaryPack
from timonel.performance.packs.multiclass import MulticlassPack
from timonel.performance.packs.pack import MetricPack
from timonel.performance.packs.service import ServicePack
from timonel.reference import Classes, Reference
from timonel.reference.reading import infer_task
from timonel.terms import Task

DEFAULT_THRESHOLD = 0.5
ZERO_ONE = Classes(("0", "1"))


@dataclass(frozen=True)
class WatchedModel:
    """A model as the monitor sees it."""

    task: Task
    classes: Classes
    outcome: OutcomeReader
    packs: tuple[MetricPack, ...]


def watched_model(
    reference: Reference | None, config: MonitorConfig, seen: Sequence[Any]
) -> WatchedModel:
    """The model of the settings, else of the reference, else of the outcomes seen first."""
    task, classes = _task(reference, config, seen)
    service = ServicePack(config.latency_slo_ms)
    if task is Task.BINARY:
        if len(classes) != 2:
            raise BadInput(
                f"a binary task with the classes {', '.join(classes.names)}, expected two",
                fix="set task to multiclass, or classes to the two values, the positive one last",
            )
        threshold = _threshold(reference, config)
        return WatchedModel(
            task, classes, BinaryOutcome(classes, threshold), (service, _binary(config))
        )
    pack = MulticlassPack(classes.names)
    return WatchedModel(task, classes, ClassOutcome(classes), (service, pack))


def _task(
    reference: Reference | None, config: MonitorConfig, seen: Sequence[Any]
) -> tuple[Task, Classes]:
    told = (reference.task, reference.classes) if reference is not None else (None, None)
    task = config.task or told[0]
    classes = told[1] if config.classes is None else Classes.of(config.classes)
    if task is None or classes is None:
        likely, names = _likely(seen)
        task, classes = task or likely, classes or names
    if task is Task.BINARY and config.classes is None and not len(classes):
        classes = ZERO_ONE
    return task, classes


def _likely(seen: Sequence[Any]) -> tuple[Task, Classes]:
    """The task of these outcomes; fractions are the scores of a binary model."""
    if all((isinstance(v, float) and 0 <= v <= 1) or v in (0, 1) for v in seen):
        return Task.BINARY, ZERO_ONE
    return infer_task([v for v in seen if not (isinstance(v, float) and 0 < v < 1)])


def _threshold(reference: Reference | None, config: MonitorConfig) -> float:
    learnt = None if reference is None else reference.threshold
    given = config.threshold if config.threshold is not None else learnt
    return DEFAULT_THRESHOLD if given is None else given


def _binary(config: MonitorConfig) -> BinaryPack:
    return BinaryPack(
        costs=config.costs,
        beta=config.beta,
        cases_per_day=config.cases_per_day,
        suppressed=config.suppressed,
        exploration_rate=config.exploration_rate,
    )
