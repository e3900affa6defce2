"""What an incident is: a change of a table from its onset on, with the truth of what it did."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, get_type_hints

import numpy as np
import pyarrow as pa

from timonel.diagnosis.cause import Cause
from timonel.errors import BadInput
from timonel.faults.grades import BY_SEVERITY, Grades, Severity, jsonable
from timonel.faults.layout import LOG, IntArray, Layout
from timonel.faults.truth import Change, Injected, Truth
from timonel.faults.window import Moment, Window, find_window

if TYPE_CHECKING:
    from timonel.faults.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Incident(ABC):
    """A fault with a known cause, at work in a table from `onset` (included) to `end` (excluded).

    Rows before the onset stay as they are, bit for bit. The same table and seed give the same bytes.
    Parameters that are graded follow from the severity unless given.
    """

    name: ClassVar[str]
    cause: ClassVar[Cause]
    roles: ClassVar[tuple[str, ...]] = ()
    """The parts of the layout without which the incident means nothing."""
    takes: ClassVar[str] = ""
    """What `columns` names; empty where the incident chooses no columns."""

    columns: tuple[str, ...] = ()
    """The columns where the fault is."""
    severity: Severity = Severity.MEDIUM
    onset: Moment = 0.5
    end: Moment | None = None
    """None: to the end of the table."""
    layout: Layout = LOG

    def __post_init__(self) -> None:
        if self.severity not in list(Severity):
            raise BadInput(
                f"{self.name}: severity is {self.severity!r}; expected low, medium or high"
            )
        object.__setattr__(self, "severity", Severity(self.severity))
        _check_moments(self.name, self.onset, self.end)
        for name, grades in self.grades().items():
            if getattr(self, name) is BY_SEVERITY:
                object.__setattr__(self, name, grades.at(self.severity))
            else:
                grades.check(f"{self.name}: {name}", getattr(self, name))

    @classmethod
    def grades(cls) -> dict[str, Grades]:
        """The graded parameters by name."""
        hints = get_type_hints(cls, include_extras=True)
        marks = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
        return {
            name: mark[0] for name, mark in marks.items() if mark and isinstance(mark[0], Grades)
        }

    def at(self, severity: Severity) -> Self:
        """The same incident at another severity; parameters that were given by hand stay."""
        graded = {
            name: BY_SEVERITY
            for name, grades in self.grades().items()
            if getattr(self, name) == grades.at(self.severity)
        }
        return replace(self, severity=severity, **graded)

    def then(self, other: "Incident | Scenario") -> "Scenario":
        """This incident and, on the table it leaves, another."""
        from timonel.faults.scenario import Scenario

        return Scenario((self,)).then(other)

    def apply(self, table: pa.Table, rng: np.random.Generator) -> Injected:
        """Inject into a table; a column that is missing or of the wrong type is a `BadInput`."""
        self._check(table)
        window = find_window(table, self.layout.event_time, self.onset, self.end)
        unchanged = Change(table, window.rows, ())
        change = self._inject(table, window, rng) if window.rows.any() else unchanged
        origin = np.arange(table.num_rows) if change.origin is None else change.origin
        return Injected(change.table, (self._truth(table, change, origin, window),), origin)

    def needs(self) -> tuple[str, ...]:
        """The columns that the table must have."""
        time = (self.layout.event_time,) if self.layout.event_time else ()
        return (*self.columns, *(self.role(name) for name in self.roles), *time)

    def role(self, name: str) -> str:
        """The column that plays a part; a layout without it is a `BadInput`."""
        column: str | None = getattr(self.layout, name)
        if column is None:
            raise BadInput(
                f"{self.name} needs a column {name}, and the layout names none",
                fix=f"give Layout({name}=...)",
            )
        return column

    def _check(self, table: pa.Table) -> None:
        if self.takes and not self.columns:
            raise BadInput(f"{self.name}: columns is empty; expected {self.takes}")
        if self.layout.event_time and self.layout.event_time in self.columns:
            raise BadInput(
                f"{self.name}: {self.layout.event_time} is the event time and decides where the "
                "onset is; an incident cannot change it"
            )
        for name in self.needs():
            if len(table.schema.get_all_field_indices(name)) != 1:
                raise _missing(self.name, name, table)
        for column in table.schema:
            if pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type):
                raise BadInput(
                    f"{self.name}: column {column.name} holds {column.type}, whose rows Arrow cannot "
                    "choose from yet",
                    fix=f"cast {column.name} to a string first",
                )

    @abstractmethod
    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        """Change rows of the window, of which there is at least one."""

    @abstractmethod
    def _what(self) -> str:
        """One sentence that states the change."""

    def _fault_columns(self) -> tuple[str, ...]:
        return self.columns or tuple(self.role(name) for name in self.roles)

    def _truth(self, table: pa.Table, change: Change, origin: IntArray, window: Window) -> Truth:
        return Truth(
            incident=self.name,
            cause=self.cause,
            severity=self.severity,
            since=window.since,
            until=window.until,
            columns=self._fault_columns(),
            changed=change.columns,
            rows=np.flatnonzero(change.rows).astype(np.int64),
            removed=table.num_rows - len(np.unique(origin)),
            what=self._what(),
            parameters={
                **{name: jsonable(getattr(self, name)) for name in self.grades()},
                **change.chosen,
            },
        )


def _check_moments(name: str, onset: Moment, end: Moment | None) -> None:
    for key, moment in (("onset", onset), ("end", end)):
        if isinstance(moment, int | float) and not 0 <= moment <= 1:
            raise BadInput(
                f"{name}: {key} is {moment}; expected an event time or a share from 0 to 1"
            )
    if isinstance(end, type(onset)) and not _before(onset, end):
        raise BadInput(f"{name}: end {end} is not after onset {onset}")


def _before(onset: Any, end: Any) -> bool:
    try:
        return bool(onset < end)
    except TypeError:
        raise BadInput(
            f"one of onset {onset} and end {end} has a time zone and the other has none",
            fix="give both a zone",
        ) from None


def _missing(incident: str, name: str, table: pa.Table) -> BadInput:
    count = len(table.schema.get_all_field_indices(name))
    found = f"{count} columns {name}" if count else f"no column {name}"
    return BadInput(
        f"{incident}: the table has {found}; it has {', '.join(table.column_names) or 'none'}",
        fix="correct columns=, or say in layout= which column plays which part",
    )
