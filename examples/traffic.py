"""Traffic of an incident: real rows that the model was not trained on, before and after something is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from timonel.contract import DataContract
from timonel.faults import Truth
from timonel.reference import Reference
from timonel_serving.replay.drill import PROBES, Fault, struck
from timonel_serving.replay.scorer import Scorer
from timonel_serving.replay.traffic import Plan, draw

PER_DAY = 2000
MATURE = timedelta(days=1)


@dataclass(frozen=True)
class Traffic:
    """Rows of a package, half of them a stretch: what was learnt from one is not asked in the other."""

    package: Path
    predictor: str

    @cached_property
    def scorer(self) -> Scorer:
        """The version that the world is described by: the first."""
        contract = DataContract.load(self.package / "contract.json")
        return Scorer(self.predictor, contract)

    @cached_property
    def latency_ms(self) -> float:
        """The median of single requests."""
        return self.scorer.latency_ms(self._rows(0).slice(0, 1), PROBES)

    def stretch(
        self, half: int, start: datetime, days: float, fault: Fault | None, onset: datetime
    ) -> tuple[pa.Table, tuple[Truth, ...]]:
        """Days of traffic as the first version answers it, with a fault since `onset`."""
        rng = np.random.default_rng(half)
        plan = Plan(start, days, round(PER_DAY * days), MATURE)
        log = self.scorer.scored(draw(self._rows(half), plan, self.latency_ms, rng))
        if fault is None:
            return log, ()
        threshold = Reference.of_package(self.package).threshold
        cut = (0.5 if threshold is None else threshold, self.scorer.contract.classes)
        return struck(self.scorer, log, fault, onset, cut, rng)

    def answered(self, log: pa.Table, predictor: str) -> pa.Table:
        """The log as another version answers it: what the world does is the same."""
        again: pa.Table = Scorer(predictor, self.scorer.contract).scored(log)
        return again

    def _rows(self, half: int) -> pa.Table:
        examined: Any = parquet.read_table(self.package / "reference.parquet")
        order = np.random.default_rng(0).permutation(examined.num_rows)
        kept = examined.select([*self.scorer.features, "label"])
        return kept.take(pa.array(np.sort(order[half::2])))
