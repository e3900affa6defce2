"""The two steps that every engine is made of: rows are folded into a parcel, parcels merge in any order."""

from collections.abc import Iterable
from datetime import timedelta

import pyarrow as pa

from timonel.fold.job import FoldJob
from timonel.ledger.replay import as_lists
from timonel.monitor.monitor import ModelMonitor
from timonel.monitor.parcel import Parcel
from timonel.terms import Task

ANY_TIME = timedelta(days=365 * 300)
"""Rows of a part come in no order of time: which days to believe is decided for the whole ledger before."""


def fold(job: FoldJob, batches: Iterable[pa.RecordBatch]) -> Parcel:
    """Count predictions, each with its label if it has one."""
    monitor = empty_monitor(job)
    lists = job.task is Task.RANKING
    for batch in batches:
        monitor.track_batch(as_lists(batch) if lists else batch)
    return monitor.hand_over()


def merge(job: FoldJob, parcels: Iterable[Parcel]) -> Parcel:
    """What has counted all that these have."""
    monitor = empty_monitor(job)
    for parcel in parcels:
        monitor.merge(parcel)
    return monitor.hand_over()


def empty_monitor(job: FoldJob) -> ModelMonitor:
    """A monitor that counts as the job says, and believes any time."""
    return ModelMonitor(job.reference, job.config.model_copy(update={"max_ahead": ANY_TIME}))
