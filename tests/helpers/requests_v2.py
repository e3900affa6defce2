"""Rows as V2 requests: JSON, and KServe's own client."""

from typing import Any

import numpy as np
from kserve import InferInput, InferRequest


def tensors(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as V2 JSON, one tensor a column."""
    types = {float: "FP64", bool: "BOOL", str: "BYTES"}
    found = []
    for name in rows[0]:
        data = [row[name] for row in rows]
        kind = next((type(v) for v in data if v is not None), float)
        found.append({"name": name, "shape": [len(rows)], "datatype": types[kind], "data": data})
    return found


def kserve_request(rows: list[dict[str, Any]], name: str, *, binary: bool) -> InferRequest:
    """Rows as a request of KServe's client."""
    dtypes = {"FP64": np.float64, "BOOL": np.bool_, "BYTES": np.object_}
    inputs = []
    for t in tensors(rows):
        data = [np.nan if v is None else v for v in t["data"]]
        tensor = InferInput(t["name"], t["shape"], t["datatype"])
        tensor.set_data_from_numpy(np.array(data, dtype=dtypes[t["datatype"]]), binary_data=binary)
        inputs.append(tensor)
    return InferRequest(name, inputs, request_id="query-1")
