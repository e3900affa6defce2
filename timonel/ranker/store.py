"""A ranker on disk: Parquet tables that any tool can read, and that cannot run code.

items.parquet      item, popularity, interactions, group; and by the kind of the model
                   neighbours and similarities, or factors
histories.parquet  user, items (codes), weights
ranker.json        format version, kind, exclude_seen
"""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from timonel.errors import Corrupt
from timonel.ranker.model import Popularity, Ranker
from timonel.ranker.relations import Factors, Neighbours
from timonel.ranker.tables import Histories, Items

ITEMS, HISTORIES, ABOUT = "items.parquet", "histories.parquet", "ranker.json"


class _About(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = Field(default=1, ge=1, le=1)
    kind: Literal["popularity", "neighbours", "factors"]
    exclude_seen: bool


def save_ranker(ranker: Ranker, directory: Path) -> None:
    """Write the tables into a directory; the same ranker gives the same bytes."""
    directory.mkdir(parents=True, exist_ok=True)
    items, histories = ranker.items, ranker.histories
    columns: dict[str, Any] = {
        "item": pa.array(items.names, pa.string()),
        "popularity": items.popularity,
        "interactions": items.interactions,
    }
    if items.groups is not None:
        columns["group"] = pa.array(items.groups, pa.string())
    kind, related = _related(ranker)
    pq.write_table(pa.table(columns | related), directory / ITEMS, compression="zstd")
    users = {
        "user": pa.array(histories.users, pa.string()),
        "items": _lists(histories.starts, histories.items),
        "weights": _lists(histories.starts, histories.weights),
    }
    pq.write_table(pa.table(users), directory / HISTORIES, compression="zstd")
    about = _About(kind=kind, exclude_seen=ranker.exclude_seen)
    (directory / ABOUT).write_text(json.dumps(about.model_dump(), indent=2) + "\n")


def load_ranker(directory: Path) -> Ranker:
    """Read what `save_ranker` wrote; `Corrupt` where it is not that."""
    try:
        about = _About.model_validate_json((directory / ABOUT).read_bytes())
        items = pq.ParquetFile(directory / ITEMS).read()
        users = pq.ParquetFile(directory / HISTORIES).read()
        return _ranker(about, items.combine_chunks(), users.combine_chunks())
    except (OSError, ValidationError, pa.ArrowException, KeyError, ValueError) as error:
        raise Corrupt(
            f"{directory}: not a readable ranker: {error}", fix="train the model anew"
        ) from error


def _ranker(about: _About, items: pa.Table, users: pa.Table) -> Ranker:
    groups = items["group"].to_numpy() if "group" in items.column_names else None
    catalogue = Items(
        items["item"].to_numpy(),
        _floats(items["popularity"]),
        items["interactions"].to_numpy().astype(np.int64),
        groups,
    )
    starts, codes = _flat(users["items"])
    histories = Histories(
        users["user"].to_numpy(),
        starts,
        codes.astype(np.int32),
        _floats(_flat(users["weights"])[1]),
    )
    if len(codes) and not 0 <= codes.min() <= codes.max() < len(catalogue):
        raise ValueError("a history names an item that the catalogue does not have")
    return Ranker(catalogue, histories, _relations(about, items), about.exclude_seen)


def _related(ranker: Ranker) -> tuple[Any, dict[str, Any]]:
    """The kind of the model, and the columns in which its items are related."""
    relations = ranker.relations
    if isinstance(relations, Neighbours):
        columns = {
            "neighbours": _matrix(relations.items),
            "similarities": _matrix(relations.similarity),
        }
        return "neighbours", columns
    if isinstance(relations, Factors):
        return "factors", {"factors": _matrix(relations.vectors)}
    return "popularity", {}


def _relations(about: _About, items: pa.Table) -> Popularity | Neighbours | Factors:
    if about.kind == "popularity":
        return Popularity()
    if about.kind == "factors":
        return Factors(_square(items["factors"]).astype(np.float32))
    near = _square(items["neighbours"]).astype(np.int32)
    return Neighbours(near, _square(items["similarities"]).astype(np.float32))


def _matrix(values: Any) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _square(column: pa.ChunkedArray) -> Any:
    block = column.combine_chunks()
    return block.flatten().to_numpy().reshape(len(block), -1)


def _lists(starts: Any, values: Any) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(starts, pa.int32()), pa.array(values))


def _flat(column: pa.ChunkedArray) -> tuple[Any, Any]:
    lists = column.combine_chunks()
    return lists.offsets.to_numpy().astype(np.int64), lists.values.to_numpy()


def _floats(values: Any) -> Any:
    return np.asarray(values, dtype=np.float32)
