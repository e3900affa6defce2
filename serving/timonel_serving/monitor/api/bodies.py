"""Labels as they come over HTTP: JSON, one or many; CSV; Parquet."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from timonel.errors import BadInput
from timonel.frames import is_missing, to_arrow
from timonel.reference.classes import class_name
from timonel_serving.monitor.models.labels import COLUMNS
from timonel_serving.problems import TooLarge, UnsupportedMedia

MOST = 100_000
"""Labels in a request."""
_PAGE = 4096
"""Rows of a Parquet file that are read at once: how much they unpack to is seen early."""

Scalar = str | int | float | bool | None


class LabelIn(BaseModel):
    """One label."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, strict=True)

    prediction_id: str | int | None
    """The id that the prediction was answered with."""
    actual: Scalar | list[Scalar]
    """What became true: the class; of a ranking the chosen items."""
    arrived_at: str | int | float | None = None
    """When that became known: ISO 8601, or seconds since 1970. Default: the newest event time."""


class ManyLabels(BaseModel):
    """Labels under a key."""

    model_config = ConfigDict(extra="forbid", strict=True)

    labels: list[LabelIn]


LabelBody = LabelIn | list[LabelIn] | ManyLabels
_JSON: TypeAdapter[LabelBody] = TypeAdapter(LabelBody)


def read_body(kind: str, body: bytes, limit: int) -> Any:
    """The table in a body of a content type; `limit` bounds what it unpacks to.

    Raises `UnsupportedMedia`, `TooLarge`, or BadInput for what cannot be read.
    """
    reader = _READERS.get(kind)
    if reader is None:
        raise UnsupportedMedia(
            f"the content type is {kind[:60] or 'missing'}",
            fix=f"send one of {', '.join(_READERS)}",
        )
    return reader(body, limit)


def _json(body: bytes, _: int) -> Any:
    try:
        found = _JSON.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[-1]
        place = ".".join(str(part) for part in first["loc"][1:])
        raise BadInput(
            f"the labels cannot be read: {place}: {first['msg']}".replace(": :", ":"),
            fix="send an object with prediction_id and actual, or a list of such objects",
        ) from None
    many = [found] if isinstance(found, LabelIn) else found
    labels = many.labels if isinstance(many, ManyLabels) else many
    _check_rows(len(labels))
    return {
        "prediction_id": pa.array([_text(one.prediction_id) for one in labels], pa.string()),
        "actual": _outcomes([one.actual for one in labels]),
        "arrived_at": [one.arrived_at for one in labels],
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _outcomes(values: list[Any]) -> pa.Array:
    """The outcomes as a column; those of different types go by their names."""
    if any(isinstance(value, list) for value in values):
        return pa.array([_names(value) for value in values], pa.list_(pa.string()))
    if len({type(value) for value in values if value is not None}) > 1:
        return pa.array([None if is_missing(v) else class_name(v) for v in values], pa.string())
    return to_arrow(values)


def _names(value: Any) -> list[str] | None:
    if value is None:
        return None
    items = value if isinstance(value, list) else [value]
    return [class_name(item) for item in items if not is_missing(item)]


def _csv(body: bytes, _: int) -> pa.Table:
    """All columns as text: an id 007 stays 007."""
    types = {name: pa.string() for names in COLUMNS.values() for name in names}
    convert = csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    try:
        found = csv.read_csv(
            io.BytesIO(body), csv.ReadOptions(use_threads=False), convert_options=convert
        )
    except (pa.ArrowException, ValueError) as error:
        raise BadInput(f"the body is no CSV: {_first_line(error)}") from None
    _check_rows(found.num_rows)
    return found


def _parquet(body: bytes, limit: int) -> pa.Table:
    try:
        file = parquet.ParquetFile(io.BytesIO(body))
        _check_rows(file.metadata.num_rows)
        batches, size = [], 0
        for batch in file.iter_batches(_PAGE, use_threads=False):
            size += batch.nbytes
            if size > limit:
                raise TooLarge(
                    f"the body unpacks to more than {limit / 2**20:g} MB", fix="send less at once"
                )
            batches.append(batch)
        return pa.Table.from_batches(batches, file.schema_arrow)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"the body is no Parquet file: {_first_line(error)}") from None


def _check_rows(rows: int) -> None:
    if rows > MOST:
        raise TooLarge(f"{rows:,} labels, at most {MOST:,} are taken at once", fix="send less")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


_READERS: Mapping[str, Callable[[bytes, int], Any]] = {
    "application/json": _json,
    "text/csv": _csv,
    "application/vnd.apache.parquet": _parquet,
}
CONTENT_TYPES = tuple(_READERS)
