"""What a diagnosis is asked about: rows of a good time, rows of now, and what can score them again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from timonel.contract.model import DataContract
from timonel.diagnosis.learner import Learner, boost
from timonel.diagnosis.loss import Floats
from timonel.diagnosis.rows import PARTS

Replay = Callable[[pa.Table], Floats]
"""Takes rows with the features as they were logged and gives the score of each."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """Two tables in the columns of `Ledger.read_log`. Only event_time is needed; what else is missing costs
    the questions that it would answer."""

    reference: pa.Table
    """Rows from when all was well."""
    current: pa.Table
    """Rows of the time in question, later than those of the reference."""
    classes: tuple[bool | int | str, ...] = (0, 1)
    """Of label and prediction; of two the positive one last. Of more, the score is taken for the
    probability that the prediction is right."""
    features: tuple[str, ...] | None = None
    """None: those of the contract, without one all columns that are no part of the log."""
    contract: DataContract | None = None
    """What training data allow: ranges and categories that the reference rows may not show."""
    replay: Replay | None = None
    """The registered model that serves now."""
    previous: Replay | None = None
    """The one that served before it."""
    as_of: datetime | None = None
    """When the log was read: younger labels cannot be in it. None: at the last label's arrival."""
    learner: Learner = boost

    def feature_names(self) -> tuple[str, ...]:
        """The features that both tables have."""
        given = self.features
        if given is None and self.contract is not None:
            given = tuple(column.name for column in self.contract.features)
        wanted = given if given is not None else self.reference.column_names
        both = set(self.reference.column_names) & set(self.current.column_names)
        return tuple(name for name in wanted if name in both and name not in PARTS)
