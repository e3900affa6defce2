"""Rows and decisions of a ledger as text and as JSON."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from timonel.ledger import Record

WIDEST = 80
"""Characters of a cell; what is longer is cut."""


def as_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON holds them: times in ISO 8601, what is not finite as null."""
    names = table.column_names
    columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def show_table(table: pa.Table) -> str:
    """A table for the terminal: a heading, a line a row, columns aligned, numbers to the right."""
    columns = [[_cell(v) for v in column.to_pylist()] for column in table.columns]
    columns = [[name, *cells] for name, cells in zip(table.column_names, columns, strict=True)]
    right = [pa.types.is_integer(f.type) or pa.types.is_floating(f.type) for f in table.schema]
    widths = [max(map(len, cells)) for cells in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in zip(*columns, strict=True)
    ]
    return "\n".join(lines)


def as_decision(record: Record) -> dict[str, Any]:
    """A record as JSON, its details as an object."""
    return asdict(record) | {"details": json.loads(record.details)}


def timeline(records: Sequence[Record]) -> str:
    """A line a decision: its number, when, what kind, of which model and version, and what."""
    rows = [
        (
            f"{record.seq:>5}",
            f"{record.time[:10]} {record.time[11:19]}",
            record.kind,
            " ".join(filter(None, (record.model, record.version))),
            record.summary,
        )
        for record in records
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(
        "  ".join([*(c.ljust(w) for c, w in zip(row[:4], widths, strict=True)), row[4]])
        for row in rows
    )


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, bool | int | str | None) else str(value)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = value.isoformat() if isinstance(value, date) else str(value)
    # a control character could rewrite the terminal
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean if len(clean) <= WIDEST else clean[: WIDEST - 3] + "..."
