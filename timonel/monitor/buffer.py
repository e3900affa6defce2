"""Rows that were tracked one by one, until there are enough to count together."""

from collections.abc import Mapping
from typing import Any

from timonel.frames import label

ROWS = 2000
"""Rows that are counted at once: few enough to be current, enough to be cheap."""

Row = tuple[Any, Any, Any]
NOTHING: Mapping[str, Any] = {}


def as_row(prediction: Any, actual: Any, metadata: Any) -> Row:
    """A row that stays as it is when the caller fills the same dictionaries again."""
    if isinstance(metadata, dict):
        metadata = metadata.copy()
        features = metadata.get("features")
        if isinstance(features, dict):
            metadata["features"] = features.copy()
    return prediction, actual, metadata


def as_columns(rows: list[Row]) -> tuple[dict[str, Any], int]:
    """Rows of (prediction, actual, metadata) as columns, and how many had metadata that is none."""
    metadata = [m if isinstance(m, Mapping) else NOTHING for _, _, m in rows]
    odd = sum(
        m is NOTHING and given is not None for m, (_, _, given) in zip(metadata, rows, strict=True)
    )
    names = dict.fromkeys(name for m in metadata for name in m)
    columns: dict[str, Any] = {label(name): [m.get(name) for m in metadata] for name in names}
    columns["prediction"] = [row[0] for row in rows]
    columns["actual"] = [row[1] for row in rows]
    return columns, odd
