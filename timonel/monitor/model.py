"""What is watched: the task, its classes, and the packs that count it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from timonel.errors import BadInput
from timonel.frames import to_arrow
from timonel.monitor.config import MonitorConfig
from timonel.monitor.outcomes import BinaryOutcome, ClassOutcome, ListOutcome, OutcomeReader
from timonel.monitor.texts import TextReader
from timonel.performance.packs.binary import BinaryPack
from timonel.performance.packs.multiclass import MulticlassPack
from timonel.performance.packs.pack import MetricPack
from timonel.performance.packs.ranking import RankingPack
from timonel.performance.packs.service import ServicePack
from timonel.performance.packs.text import TextPack
from timonel.reference import Classes, Reference
from timonel.reference.catalogue import Catalogue
from timonel.reference.classes import distinct_values
from timonel.reference.reading import infer_task
from timonel.terms import Task

DEFAULT_THRESHOLD = 0.5
ZERO_ONE = Classes(("0", "1"))


@dataclass(frozen=True)
class WatchedModel:
    """A model as the monitor sees it."""

    task: Task
    outcome: OutcomeReader
    packs: tuple[MetricPack, ...]
    texts: TextReader | None = None
    """Of a text task with a reference."""


def is_told(reference: Reference | None, config: MonitorConfig) -> bool:
    """Whether the reference and the settings alone say what the model predicts, before any row does."""
    task = config.task or (None if reference is None else reference.task)
    if task is Task.RANKING:
        return reference is not None and reference.catalogue is not None
    if task in (Task.MULTICLASS, Task.TEXT):
        return bool(config.classes or (reference is not None and reference.classes))
    return reference is not None or task is not None


def watched_model(
    reference: Reference | None, config: MonitorConfig, seen: Mapping[str, Any]
) -> WatchedModel:
    """The model of the settings, else of the reference, else of the outcomes seen first.

    `seen` has the columns prediction and actual of the first predictions, as far as they are there.
    """
    task = config.task or (None if reference is None else reference.task)
    if task is Task.RANKING or (task is None and any(map(_has_lists, seen.values()))):
        return _ranker(reference, config, seen)
    task, classes = _classes(task, reference, config, seen)
    texts = TextReader.of(reference) if task is Task.TEXT else None
    shared = (ServicePack(config.latency_slo_ms), *(() if texts is None else (TextPack(),)))
    if task is Task.TEXT and len(classes) == 2:
        task = Task.BINARY
    if task is Task.BINARY:
        _require_two(classes)
        outcome = BinaryOutcome(classes, _threshold(reference, config))
        return WatchedModel(task, outcome, (*shared, _binary(config)), texts)
    packs = (*shared, MulticlassPack(classes.names))
    return WatchedModel(task, ClassOutcome(classes), packs, texts)


def _has_lists(column: Any) -> bool:
    kind = to_arrow(column).type
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _ranker(
    reference: Reference | None, config: MonitorConfig, seen: Mapping[str, Any]
) -> WatchedModel:
    catalogue = None if reference is None else reference.catalogue
    catalogue = catalogue or Catalogue.of_lists(*seen.values())
    popularity = np.array(catalogue.popularity, dtype=np.int64)
    pack = RankingPack(popularity, catalogue.group_codes(), config.k)
    packs = (ServicePack(config.latency_slo_ms), pack)
    return WatchedModel(Task.RANKING, ListOutcome(catalogue, config.k), packs)


def _classes(
    task: Task | None,
    reference: Reference | None,
    config: MonitorConfig,
    seen: Mapping[str, Any],
) -> tuple[Task, Classes]:
    classes = None if reference is None else reference.classes
    if config.classes is not None:
        classes = Classes.of(config.classes)
    if task is None or classes is None:
        likely, names = _likely([v for column in seen.values() for v in distinct_values(column)])
        task, classes = task or likely, classes or names
    return task, classes


def _likely(seen: Sequence[Any]) -> tuple[Task, Classes]:
    """The task of these outcomes; fractions are the scores of a binary model."""
    if all((isinstance(v, float) and 0 <= v <= 1) or v in (0, 1) for v in seen):
        return Task.BINARY, ZERO_ONE
    return infer_task([v for v in seen if not (isinstance(v, float) and 0 < v < 1)])


def _require_two(classes: Classes) -> None:
    if len(classes) != 2:
        raise BadInput(
            f"a binary task with the classes {', '.join(classes.names)}, expected two",
            fix="set task to multiclass, or classes to the two values, the positive one last",
        )


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
