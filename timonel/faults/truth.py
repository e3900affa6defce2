"""What an incident did to a table: the answer that detection and diagnosis are judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import pyarrow as pa

from timonel.diagnosis.cause import Cause
from timonel.errors import BadInput
from timonel.faults.grades import Severity
from timonel.faults.layout import BoolArray, IntArray


@dataclass(frozen=True)
class Truth:
    """What one incident did."""

    incident: str
    cause: Cause
    severity: Severity
    since: datetime | int | None
    """Event time (UTC) of the onset, or a row's position without event time. None: no row reached."""
    until: datetime | int | None
    """None: to the end of the table."""
    columns: tuple[str, ...]
    """Where the fault is."""
    changed: tuple[str, ...]
    """All columns whose values may differ, scores that follow included."""
    rows: IntArray = field(compare=False)
    """Positions, in the table given back, of the rows it acted on or added. All others are as they were."""
    removed: int
    """How many rows it took away."""
    what: str
    """One sentence."""
    parameters: Mapping[str, float | str]
    """The graded ones, and what the incident chose by itself."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: the rows as their number, first and last position."""
        bounds = (int(self.rows[0]), int(self.rows[-1])) if len(self.rows) else (None, None)
        return {
            **{f.name: getattr(self, f.name) for f in fields(self)},
            "cause": self.cause.value,
            "severity": self.severity.value,
            "since": _plain(self.since),
            "until": _plain(self.until),
            "columns": list(self.columns),
            "changed": list(self.changed),
            "rows": {"n": len(self.rows), "first": bounds[0], "last": bounds[1]},
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True, eq=False)
class Injected:
    """A table after its incidents, with the truth of each in the order of application."""

    table: pa.Table
    truths: tuple[Truth, ...]
    origin: IntArray
    """Of each row, its position in the table before."""

    @property
    def truth(self) -> Truth:
        """The truth of the only incident; of several, use `truths`."""
        if len(self.truths) != 1:
            raise BadInput(f"there are {len(self.truths)} incidents, not one", fix="use .truths")
        return self.truths[0]


@dataclass(frozen=True, eq=False)
class Change:
    """What an incident's own code gives back: the new table, the rows acted on, columns changed."""

    table: pa.Table
    rows: BoolArray
    columns: tuple[str, ...]
    origin: IntArray | None = None
    """None: no row was added or taken away."""
    chosen: Mapping[str, float | str] = field(default_factory=dict)
    """What the incident chose by itself, such as the segment: it joins the truth's parameters."""


def _plain(moment: datetime | int | None) -> str | int | None:
    return moment.isoformat() if isinstance(moment, datetime) else moment
