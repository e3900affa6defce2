"""Proposes the settings for a table that Timonel has not seen before."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from timonel.config import Task
from timonel.errors import BadInput

MANY = 200
"""Text columns with more distinct values than this are names or prose rather than categories."""


@dataclass(frozen=True)
class Roles:
    """What the user says of the table's columns."""

    target: str
    time: str | None = None
    entity: str | None = None
    text: str | None = None
    positive: str | None = None


@dataclass(frozen=True)
class Proposal:
    """Settings by section, and a sentence for each thing that was decided."""

    sections: dict[str, dict[str, Any]]
    remarks: tuple[str, ...]


def propose(table: pa.Table, source: str, name: str, roles: Roles) -> Proposal:
    """Propose settings for `table`; raises `BadInput` for a role that names no column."""
    for role in ("target", "time", "entity", "text"):
        _require(table, getattr(roles, role), role)
    data: dict[str, Any] = {"source": source, "target": roles.target}
    remarks: list[str] = []
    task = _task(table, roles, remarks)
    if task is Task.BINARY or (task is Task.TEXT and _distinct(table, roles.target) == 2):
        data["positive"] = _positive(table, roles, remarks)
    if roles.time:
        data |= {"time": roles.time} | _time_order(table, roles.time, remarks)
    key = next(_keys(table, roles), None)
    if key:
        data["key"] = key
        remarks.append(f"key: {key} is different in every row")
    data |= {role: getattr(roles, role) for role in ("entity", "text") if getattr(roles, role)}
    drop = [] if roles.text else list(_useless(table, roles, key, remarks))
    if drop:
        data["drop"] = drop
    return Proposal(
        {"model": {"name": slug(name), "task": task.value}, "data": data}, tuple(remarks)
    )


def slug(text: str) -> str:
    """A model name made of any text: lower-case letters, digits and dashes."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].strip("-")
    return plain if plain[:1].isalpha() else f"model-{plain}".strip("-")


def _require(table: pa.Table, column: str | None, role: str) -> None:
    if column is not None and column not in table.column_names:
        raise BadInput(
            f"--{role} is {column}, which is no column of the table",
            fix=f"use one of {', '.join(table.column_names)}",
        )


def _distinct(table: pa.Table, column: str) -> int:
    return int(pc.count_distinct(table[column], mode="only_valid").as_py())


def _task(table: pa.Table, roles: Roles, remarks: list[str]) -> Task:
    classes = _distinct(table, roles.target)
    if roles.text:
        return Task.TEXT
    if classes <= 2:
        return Task.BINARY
    remarks.append(f"task: multiclass, {roles.target} has {classes} values")
    return Task.MULTICLASS


def _positive(table: pa.Table, roles: Roles, remarks: list[str]) -> Any:
    counts = {
        row["values"]: row["counts"]
        for row in pc.value_counts(table[roles.target]).to_pylist()
        if row["values"] is not None
    }
    if roles.positive is not None:
        named = [value for value in counts if str(value) == roles.positive]
        if not named:
            raise BadInput(
                f"--positive is {roles.positive}, the target {roles.target} holds"
                f" {' and '.join(map(str, counts))}"
            )
        return named[0]
    rarer = min(counts, key=lambda value: counts[value])
    remarks.append(
        f"positive: {rarer!r}, the rarer value of {roles.target}"
        f" ({counts[rarer] / sum(counts.values()):.1%} of the rows)"
    )
    return rarer


def _time_order(table: pa.Table, time: str, remarks: list[str]) -> dict[str, str]:
    column = table[time].combine_chunks()
    if len(column) < 2 or not pc.any(pc.less(column[1:], column[:-1])).as_py():
        return {}
    remarks.append(f"time_order: sort, the rows are not in the order of {time}")
    return {"time_order": "sort"}


def _keys(table: pa.Table, roles: Roles) -> Iterator[str]:
    taken = {roles.target, roles.time, roles.entity, roles.text}
    for name in table.column_names:
        looks = re.search(r"(^|_)(id|key|uuid|number|no)$", name.lower())
        if name not in taken and looks and _distinct(table, name) == table.num_rows:
            yield name


def _useless(table: pa.Table, roles: Roles, key: str | None, remarks: list[str]) -> Iterator[str]:
    taken = {roles.target, roles.time, roles.entity, key}
    for name in table.column_names:
        why = None if name in taken else _why_useless(table, name)
        if why:
            remarks.append(f"drop: {name} {why}")
            yield name


def _why_useless(table: pa.Table, name: str) -> str | None:
    column = table[name]
    if column.null_count == len(column):
        return "has no value in any row"
    if pa.types.is_temporal(column.type):
        return "is a time: make numbers of it if it matters"
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        return f"has the type {column.type}"
    distinct = _distinct(table, name)
    if distinct == 1 and not column.null_count:
        return "has the same value in every row"
    if pa.types.is_string(column.type) and distinct > MANY:
        return f"has {distinct:,} different texts: too many for categories"
    return None
