"""Metrics: what `calculate_metrics` answers, each figure with its interval, n and state."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import pyarrow as pa

from timonel.errors import BadInput
from timonel.performance.value import Measured


@dataclass(frozen=True, eq=False, repr=False)
class Metrics:
    """The metrics of one window: `m.accuracy`, `m["recall[spam]"]`, `m.to_dict()`.

    They are those of the moment of the question. Each figure is computed when it is first read.
    """

    start: datetime
    end: datetime
    """The window that the figures cover, [start, end), UTC."""
    n: int
    """Predictions in it."""
    n_labelled: int
    """Those of them whose outcome is known."""
    values: Mapping[str, Measured]
    version: str | None = None
    slice: tuple[str, str] | None = None
    labels_until: datetime | None = None
    """Quality is told from predictions up to here: the labels of later ones are still to come."""
    notes: Callable[[], tuple[str, ...]] = tuple
    """What makes up the warnings."""
    rejected: Mapping[str, int] = field(default_factory=Counter)
    """What could not be used since the monitor began, by reason."""

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know before using the figures."""
        return self.notes()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "warnings": self.warnings, "notes": tuple}

    def __getitem__(self, name: str) -> Measured:
        found = self.values.get(name)
        if found is None:
            raise BadInput(
                f"there is no metric {name!r} for this task",
                fix=f"use one of {', '.join(self.values)}",
            )
        return found

    def __getattr__(self, name: str) -> Measured:
        if name.startswith("_") or name == "values":  # asked while it is unpickled
            raise AttributeError(name)
        found = self.values.get(name)
        if found is None:
            known = ", ".join(n for n in self.values if n.isidentifier())
            raise AttributeError(
                f"there is no metric {name!r} for this task, expected one of {known}"
            )
        return found

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __repr__(self) -> str:
        lines = [
            f"Metrics {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC, n={self.n:,}"
        ]
        lines += [f"  {name:<24} {value}" for name, value in self.values.items()]
        return "\n".join([*lines, *(f"  note: {w}" for w in self.warnings)])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "n": self.n,
            "n_labelled": self.n_labelled,
            "version": self.version,
            "slice": None if self.slice is None else dict([self.slice]),
            "labels_until": None if self.labels_until is None else self.labels_until.isoformat(),
            "metrics": {name: value.to_dict() for name, value in self.values.items()},
            "warnings": list(self.warnings),
            "rejected": dict(self.rejected),
        }

    def to_frame(self) -> pa.Table:
        """A row a metric, as the ledger's `windows` have it: metric, value, lower, upper, n, state, ...

        `to_frame().to_pandas()` and `polars.from_arrow(m.to_frame())` make data frames of it.
        """
        rows = [
            {
                "metric": name,
                **value.to_dict(),
                "version": self.version,
                "slice": None if self.slice is None else "=".join(self.slice),
                "window_start": self.start,
                "window_end": self.end,
            }
            for name, value in self.values.items()
        ]
        return pa.Table.from_pylist(rows, schema=FRAME)


FRAME = pa.schema(
    {
        "metric": pa.string(),
        "value": pa.float64(),
        "lower": pa.float64(),
        "upper": pa.float64(),
        "n": pa.int64(),
        "state": pa.string(),
        "version": pa.string(),
        "slice": pa.string(),
        "window_start": pa.timestamp("us", "UTC"),
        "window_end": pa.timestamp("us", "UTC"),
    }
)
