"""Asks a running predictor, as any client would."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.errors import BadInput, Unavailable

ROWS = 1000
"""Rows of a request."""


@dataclass(frozen=True)
class Scorer:
    """A predictor's model behind the Open Inference Protocol."""

    url: str
    model: str
    features: tuple[str, ...]

    def scored(self, rows: pa.Table) -> pa.Table:
        """The rows with `score`, `prediction` and `version` as the predictor answers now."""
        parts = [self._score(rows.slice(at, ROWS)) for at in range(0, rows.num_rows, ROWS)]
        return pa.concat_tables(parts)

    def latencies(self, row: pa.Table, count: int) -> NDArray[np.float64]:
        """Milliseconds that single requests of this row take, one after the other."""
        with httpx.Client(timeout=30) as client:
            return np.array([self._timed(client, row) for _ in range(count)])

    def _timed(self, client: httpx.Client, row: pa.Table) -> float:
        began = perf_counter()
        self._ask(client, row)
        return (perf_counter() - began) * 1e3

    def _score(self, rows: pa.Table) -> pa.Table:
        with httpx.Client(timeout=60) as client:
            answer = self._ask(client, rows)
        outputs = {output["name"]: output["data"] for output in answer["outputs"]}
        if "score" not in outputs or len(outputs["score"]) != rows.num_rows:
            raise BadInput(
                f"{self.model} gives no one score a row", why="only binary models can be replayed"
            )
        version = str(answer.get("model_version") or "")
        added = {
            "score": pa.array(outputs["score"], pa.float64()),
            "prediction": pa.array(outputs["predict"]),
            "version": pa.array([version] * rows.num_rows),
        }
        kept = rows.drop_columns([name for name in added if name in rows.column_names])
        for name, column in added.items():
            kept = kept.append_column(name, column)
        return kept

    def _ask(self, client: httpx.Client, rows: pa.Table) -> dict[str, Any]:
        at = f"{self.url}/v2/models/{self.model}/infer"
        try:
            answer = client.post(at, json={"inputs": tensors(rows.select(list(self.features)))})
        except httpx.TransportError as error:
            raise Unavailable(
                f"the predictor at {self.url} does not answer: {error}",
                fix="start it with `timonel serve`, or give its address with --predictor",
            ) from None
        if answer.status_code != httpx.codes.OK:
            raise BadInput(f"{at} answered {answer.status_code}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found


def tensors(rows: pa.Table) -> list[dict[str, Any]]:
    """V2's inputs: numbers as FP64 (a missing one as NaN is no JSON, so as null), text as BYTES."""
    return [_tensor(name, rows[name]) for name in rows.column_names]


def _tensor(name: str, column: pa.ChunkedArray) -> dict[str, Any]:
    numeric = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    kind = ("INT64" if pa.types.is_integer(column.type) else "FP64") if numeric else "BYTES"
    if column.null_count and kind == "INT64":
        kind = "FP64"
    return {"name": name, "shape": [len(column)], "datatype": kind, "data": column.to_pylist()}
