"""The rows a model is examined on, and the model as a function of rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.config import Config
from timonel.contract import DataContract, FeatureBatch, FeatureReader
from timonel.errors import BadInput
from timonel_components.learning.scoring import aligned, encode_target, probabilities
from timonel_components.metrics.scored import Labels, Probabilities, Scored

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Sample:
    """The test rows: as a table, as the model takes them, and what was true."""

    table: pa.Table
    batch: FeatureBatch
    y: Labels

    @classmethod
    def of(cls, table: pa.Table, contract: DataContract) -> "Sample":
        """Read a table; one without rows is a `BadInput`."""
        if not table.num_rows:
            raise BadInput("there are no test rows", fix="raise split.test or bring more data")
        return cls(table, FeatureReader(contract).from_table(table), encode_target(table, contract))

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[Any]) -> "Sample":
        """Some of the rows."""
        return Sample(self.table.take(pa.array(rows)), self.batch[rows], self.y[rows])

    def codes(self, column: str) -> NDArray[np.int64]:
        """A code for each distinct value of a column."""
        indices = pc.dictionary_encode(self.table[column], null_encoding="encode")
        return np.asarray(indices.combine_chunks().indices.to_numpy(), dtype=np.int64)

    def period(self, time: str | None) -> tuple[str, str] | None:
        """The time of the first and of the last row."""
        if time is None:
            return None
        ends = pc.min_max(self.table[time]).as_py()
        return _iso(ends["min"]), _iso(ends["max"])


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline as a function of rows."""

    pipeline: Any
    contract: DataContract
    threshold: float | None
    config: Config

    def probabilities(self, batch: FeatureBatch) -> Probabilities:
        """The probability of each class."""
        return probabilities(self.pipeline, batch, self.contract)

    def aligned(self, p: Probabilities) -> Probabilities:
        """What the pipeline gives, as probabilities of all classes."""
        return aligned(p, self.pipeline.classes_, self.contract)

    def scored(self, batch: FeatureBatch, y: Labels) -> Scored:
        """The rows with their probabilities, ready for metrics."""
        return self.judge(self.probabilities(batch), y)

    def judge(self, p: Probabilities, y: Labels) -> Scored:
        """Probabilities with the decision rule of this model."""
        cut = DEFAULT_THRESHOLD if self.threshold is None else self.threshold
        return Scored(y, p, cut, self.config.costs)


def _iso(value: Any) -> str:
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
