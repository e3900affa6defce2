"""Responses of the Open Inference Protocol V2: the output tensors of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from timonel.contract import DataContract, Violation
from timonel_serving.problems import violations_json
from timonel_serving.protocol.tensors import DTYPES, encode


@dataclass(frozen=True)
class Output:
    """An output tensor."""

    name: str
    datatype: str
    values: NDArray[Any]


@dataclass(frozen=True)
class Labels:
    """The labels that a model predicts, as a tensor."""

    datatype: str
    values: NDArray[Any]

    @classmethod
    def of(cls, contract: DataContract) -> "Labels":
        """Whole numbers and booleans as such, anything else as text."""
        labels = contract.classes
        if all(isinstance(label, bool) for label in labels):
            datatype = "BOOL"
        else:
            whole = all(type(label) is int and abs(label) < 2**63 for label in labels)
            datatype = "INT64" if whole else "BYTES"
        return cls(datatype, np.array(labels, dtype=DTYPES[datatype]))


def violations_parameter(violations: Sequence[Violation]) -> dict[str, str]:
    """The violations as a response parameter: the protocol has no objects there, so as JSON text."""
    if not violations:
        return {}
    return {"violations": orjson.dumps(violations_json(violations)).decode()}


def render(
    tensors: Mapping[str, Output],
    violations: Sequence[Violation],
    wanted: Sequence[tuple[str, bool]],
    *,
    name: str,
    version: str,
    request_id: str,
) -> tuple[bytes, int | None]:
    """The response's body, and the length of its JSON part where binary tensors follow."""
    shown = [_render_output(tensors[wish], binary) for wish, binary in wanted]
    fields: dict[str, Any] = {
        "model_name": name,
        "model_version": version,
        "id": request_id,
        "outputs": [json for json, _ in shown],
    }
    if violations:
        fields["parameters"] = violations_parameter(violations)
    head = orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY)
    blob = [raw for _, raw in shown if raw is not None]
    return (b"".join([head, *blob]), len(head)) if blob else (head, None)


def _render_output(output: Output, binary: bool) -> tuple[dict[str, Any], bytes | None]:
    values = output.values
    json: dict[str, Any] = {
        "name": output.name,
        "datatype": output.datatype,
        "shape": list(values.shape),
    }
    if binary:
        raw = encode(values)
        return {**json, "parameters": {"binary_data_size": len(raw)}}, raw
    json["data"] = values.ravel().tolist() if output.datatype == "BYTES" else values.ravel()
    return json, None
