"""What is to be folded, and with which yardstick."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from timonel.errors import BadInput
from timonel.ledger import Place
from timonel.ledger.schema import CLOCKS, PARTITION, SCHEMAS, TIME, TableName
from timonel.monitor.config import MonitorConfig
from timonel.monitor.intake import ALIASES
from timonel.reference import Reference
from timonel.reference.reading import text_column
from timonel.terms import Task

EVENT_TIME = CLOCKS[TableName.PREDICTIONS]
UNUSED = frozenset({"prediction_id", "entity", "model", "arrival_time", PARTITION})
"""Columns that no window counts; slices may name them none the less."""


@dataclass(frozen=True)
class Selection:
    """Which predictions: of a span of event time, [start, end), of a model, of a version; None: all."""

    start: datetime | None = None
    end: datetime | None = None
    model: str | None = None
    version: str | None = None

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            time = getattr(self, name)
            if time is not None and time.tzinfo is None:
                object.__setattr__(self, name, time.replace(tzinfo=UTC))
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise BadInput(
                f"the span ends at {self.end}, expected later than its start {self.start}"
            )

    def has_day(self, day: date) -> bool:
        """Whether some of a day (UTC) lies in the span."""
        first = self.start is None or day >= self.start.astimezone(UTC).date()
        return first and (self.end is None or day <= self.end.astimezone(UTC).date())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that decide."""
        named = (("model", self.model), ("version", self.version))
        timed = (EVENT_TIME,) if self.start is not None or self.end is not None else ()
        return (*timed, *(name for name, value in named if value is not None))

    @property
    def condition(self) -> pc.Expression | None:
        """What a row must fulfil; None: nothing."""
        found = None
        for one in self._conditions():
            found = one if found is None else found & one
        return found

    def _conditions(self) -> Iterator[pc.Expression]:
        if self.start is not None:
            yield pc.field(EVENT_TIME) >= pa.scalar(self.start, TIME)
        if self.end is not None:
            yield pc.field(EVENT_TIME) < pa.scalar(self.end, TIME)
        if self.model is not None:
            yield pc.field("model") == self.model
        if self.version is not None:
            yield pc.field("version") == self.version


@dataclass(frozen=True)
class FoldJob:
    """A ledger, the rows of it that count, and how they are counted. It travels between processes."""

    place: Place
    selection: Selection
    config: MonitorConfig
    reference: Reference | None = None

    @classmethod
    def of(
        cls,
        place: Place,
        config: MonitorConfig,
        reference: Reference | None = None,
        selection: Selection | None = None,
    ) -> "FoldJob":
        """The job; the ledger's columns have the ledger's names, whatever the source's were called."""
        if config.task is None and reference is None:
            raise BadInput(
                "nothing says what the model predicts",
                why="parts of a ledger are folded apart, and all must be counted alike",
                fix="give --config or --reference",
            )
        return cls(
            place, selection or Selection(), config.model_copy(update={"columns": {}}), reference
        )

    @property
    def task(self) -> Task | None:
        """What the model predicts."""
        return self.config.task or (None if self.reference is None else self.reference.task)

    def counted(self, known: pa.Schema) -> list[str]:
        """The columns of the predictions that the windows read."""
        roles = {name for names in ALIASES.values() for name in names}
        own = [n for n in SCHEMAS[TableName.PREDICTIONS].names if n in roles and n not in UNUSED]
        wanted = dict.fromkeys([*own, "explored", *self._features(), *self.config.slices])
        return [name for name in wanted if name in known.names]

    def _features(self) -> tuple[str, ...]:
        if self.reference is None:
            return ()
        contract = self.reference.contract
        text = None if contract is None else text_column(contract)
        return (*self.reference.names, *(() if text is None else (text,)))

    def within(self, start: datetime | None, end: datetime | None) -> "FoldJob":
        """The same for another span."""
        return replace(self, selection=replace(self.selection, start=start, end=end))
