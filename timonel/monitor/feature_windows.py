"""The windows of the features and of the score, counted in the reference's bins."""

import json
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.drift.scan import History
from timonel.durations import microseconds
from timonel.monitor.config import MonitorConfig
from timonel.performance.packs.features import FeaturePack
from timonel.reference import NumericBins, Reference
from timonel.reference.bins import CELLS, Bins
from timonel.reference.cells import count_cells, numbers, read_cells
from timonel.windows.envelope import seal, unseal
from timonel.windows.events import Coded, Events
from timonel.windows.layout import MINUTE, Layout
from timonel.windows.ranges import Sums
from timonel.windows.state import WindowState

SCORE = "(score)"
"""The name of the model's score among what is watched for drift."""
STEP = 15 * MINUTE
KIND, FORMAT = "reference", 1


class FeatureWindows:
    """Counts of 15-minute windows of each feature, and of the score where the reference has one."""

    def __init__(self, reference: Reference, config: MonitorConfig) -> None:
        self.reference = reference
        self.bins, self.counts = _with_score(reference)
        self._pack = FeaturePack(self.bins)
        retention = microseconds(config.retention)
        self.state = WindowState(
            Layout.of([self._pack], fine=STEP, coarse=STEP, fine_span=0, retention=retention)
        )

    def fold(self, time: NDArray[np.int64], columns: Mapping[str, Any]) -> None:
        """Count rows; a feature that is not among the columns is missing in all of them."""
        rows = len(time)
        if not self.bins:
            return
        cells = read_cells(self.bins, columns, rows)
        version = Coded(np.zeros(rows, dtype=np.int32), ("",))
        unlabelled = np.zeros(rows, dtype=np.bool_)
        self.state.fold(Events(time, version, {"cells": cells}, unlabelled), [self._pack])

    @cached_property
    def digest(self) -> str:
        """Of the reference and the bins: the same where counts can be added."""
        head = [self.reference.head(), [one.to_dict() for one in self.bins]]
        return sha256(json.dumps(head).encode()).hexdigest()

    @cached_property
    def sealed(self) -> pa.RecordBatch:
        """The reference, as one sealed row; `reference_of` reads it."""
        return seal(KIND, FORMAT, self.reference.head(), self.reference.sample)

    def take(self) -> WindowState:
        """All counts, which leave the windows empty."""
        taken, self.state = self.state, WindowState(self.state.layout)
        return taken

    @cached_property
    def effects(self) -> dict[str, int]:
        """The name of each feature's drift, and which it is."""
        return {f"drift[{one.name}]": j for j, one in enumerate(self.bins)}

    def sums(self, start: int, end: int) -> Sums:
        """The counters of the windows that begin in [start, end)."""
        return self.state.sums(start, end)

    def counts_of(self, sums: Sums) -> NDArray[np.int64]:
        """The counts in them, (F, CELLS)."""
        return self._pack.counts(sums)

    def between(self, start: int, end: int) -> NDArray[np.int64]:
        """The counts of the windows that begin in [start, end), (F, CELLS)."""
        return self.counts_of(self.sums(start, end))

    def history(self, start: int, end: int) -> History:
        """The windows that begin in [start, end) and hold rows; both ends multiples of 15 minutes."""
        time, counts = self.state.series(self._pack.fields[0].name, start, end, STEP)
        held = counts.any(axis=1)
        shaped = counts[held].reshape(-1, len(self.bins), CELLS).astype(np.int32)
        return History(time[held], shaped, self.bins)


def reference_of(sealed: pa.RecordBatch | pa.Table) -> Reference:
    """The reference of `FeatureWindows.sealed`; Corrupt for anything else."""
    ((head, sample),) = unseal(KIND, FORMAT, sealed)
    return Reference.of_head(head, sample.replace_schema_metadata(None))


def _with_score(reference: Reference) -> tuple[tuple[Bins, ...], NDArray[np.int64]]:
    """The reference's bins and counts, those of the score last."""
    if SCORE in reference.names or "score" not in reference.sample.column_names:
        return reference.bins, reference.counts
    column = reference.sample["score"].combine_chunks()
    if not pa.types.is_floating(column.type):
        return reference.bins, reference.counts
    scores = numbers(column)
    bins = NumericBins.fit(SCORE, scores)
    counts = count_cells(bins.codes(scores)[:, None])
    return (*reference.bins, bins), np.concatenate([reference.counts, counts])
