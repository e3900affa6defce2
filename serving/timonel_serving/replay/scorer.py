"""Asks a running predictor, as any client would."""

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.contract import DataContract, Enforcer, FeatureReader
from timonel.errors import BadInput, Unavailable

REFUSED = httpx.codes.UNPROCESSABLE_ENTITY
ROWS = 1000
"""Rows of a request."""


@dataclass(frozen=True)
class Scorer:
    """A predictor's model behind the Open Inference Protocol."""

    url: str
    contract: DataContract

    @property
    def model(self) -> str:
        """The model's name."""
        return self.contract.model

    @property
    def features(self) -> tuple[str, ...]:
        """What it is asked with."""
        return tuple(column.name for column in self.contract.features)

    def scored(self, rows: pa.Table) -> pa.Table:
        """The rows with `score`, `prediction`, `version` and `status` as the predictor answers now.

        A row that the predictor refuses for its contract has status 422 and neither score nor prediction.
        """
        with httpx.Client(timeout=60) as client:
            parts = [
                self._score(client, rows.slice(at, ROWS)) for at in range(0, rows.num_rows, ROWS)
            ]
        return pa.concat_tables(parts, promote_options="permissive")

    def latency_ms(self, row: pa.Table, count: int) -> float:
        """The median of what single requests of this row take, one after the other, in milliseconds."""
        with httpx.Client(timeout=30) as client:
            return median(self._timed(client, row) for _ in range(count))

    def _timed(self, client: httpx.Client, row: pa.Table) -> float:
        began = perf_counter()
        self._ask(client, row)
        return (perf_counter() - began) * 1e3

    def _score(self, client: httpx.Client, rows: pa.Table) -> pa.Table:
        answered = np.ones(rows.num_rows, dtype=np.bool_)
        answer = self._ask(client, rows)
        if answer.status_code == REFUSED:
            # one broken row is enough for the predictor to refuse all: the others are asked for alone
            answered = ~self._broken(rows)
            if not answered.any():
                return _with_answers(rows, answered, {})
            answer = self._ask(client, rows.filter(pa.array(answered)))
        if answer.status_code != httpx.codes.OK:
            raise BadInput(f"{answer.url} answered {answer.status_code}: {answer.text[:300]}")
        return _with_answers(rows, answered, answer.json())

    def _broken(self, rows: pa.Table) -> NDArray[np.bool_]:
        """The rows that break the contract."""
        batch = FeatureReader(self.contract).from_table(rows.select(list(self.features)))
        broken = np.zeros(rows.num_rows, dtype=np.bool_)
        for breach in Enforcer(self.contract).breaches(batch):
            broken[breach.rows] = True
        return broken

    def _ask(self, client: httpx.Client, rows: pa.Table) -> httpx.Response:
        at = f"{self.url}/v2/models/{self.model}/infer"
        try:
            return client.post(at, json={"inputs": tensors(rows.select(list(self.features)))})
        except httpx.TransportError as error:
            raise Unavailable(
                f"the predictor at {self.url} does not answer: {error}",
                fix="start it with `timonel serve`, or give its address with --predictor",
            ) from None


def _with_answers(rows: pa.Table, answered: NDArray[np.bool_], answer: dict[str, Any]) -> pa.Table:
    outputs = {output["name"]: output["data"] for output in answer.get("outputs", ())}
    if len(outputs.get("score", ())) != answered.sum():
        raise BadInput(
            f"{answer['model_name']} gives no one score a row",
            why="only binary models can be replayed",
        )
    place = pa.array(np.where(answered, np.cumsum(answered) - 1, 0), mask=~answered)
    added = {
        "score": pa.array(outputs.get("score", []), pa.float64()).take(place),
        "prediction": pa.array(outputs.get("predict", [])).take(place),
        "version": pa.array([str(answer.get("model_version") or "")] * rows.num_rows),
        "status": pa.array(np.where(answered, int(httpx.codes.OK), int(REFUSED))),
    }
    kept = rows.drop_columns([name for name in added if name in rows.column_names])
    for name, column in added.items():
        kept = kept.append_column(name, column)
    return kept


def tensors(rows: pa.Table) -> list[dict[str, Any]]:
    """V2's inputs: numbers as FP64 (a missing one as NaN is no JSON, so as null), text as BYTES."""
    return [_tensor(name, rows[name]) for name in rows.column_names]


def _tensor(name: str, column: pa.ChunkedArray) -> dict[str, Any]:
    numeric = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    kind = ("INT64" if pa.types.is_integer(column.type) else "FP64") if numeric else "BYTES"
    if column.null_count and kind == "INT64":
        kind = "FP64"
    return {"name": name, "shape": [len(column)], "datatype": kind, "data": column.to_pylist()}
