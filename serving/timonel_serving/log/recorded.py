"""Counts and logs what comes in by KServe's own ways: gRPC, CloudEvents."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from kserve import InferRequest, InferResponse

from timonel_serving.engine import Engine
from timonel_serving.log.cloudevents import Inference
from timonel_serving.log.queue import InferenceLog
from timonel_serving.problems import Problem, Protocol, problem_of
from timonel_serving.protocol.tensors import DTYPES, decode

_ROUGHLY = 16
"""Bytes that a value takes in a request held in memory."""


class AnsweredResponse(InferResponse):  # type: ignore[misc]  # kserve publishes no types
    """KServe's response, with the answer that it was made of."""

    answer: Any


@dataclass(frozen=True)
class Recorder:
    """Where each inference is noted."""

    engine: Engine
    log: InferenceLog | None

    def note(
        self, request: Any, outcome: Any, identity: str, received: float, started: float
    ) -> None:
        """Note a request with its response, or with the exception that it ended in."""
        seconds = time.perf_counter() - started
        protocol = _protocol(request)
        problem = problem_of(outcome, protocol) if isinstance(outcome, Exception) else None
        self.engine.metrics.request(protocol, problem.code if problem else "ok", seconds)
        if self.log is None:
            return
        self.log.put(
            Inference(
                identity,
                received,
                seconds,
                problem.status if problem else HTTPStatus.OK,
                lambda: _request_json(request),
                self._response(outcome, problem, identity),
                size=_size(request),
            )
        )

    def _response(
        self, outcome: Any, problem: Problem | None, identity: str
    ) -> Callable[[], bytes]:
        if problem is not None:
            return lambda: problem.body(identity)
        if not isinstance(outcome, AnsweredResponse):
            return lambda: orjson.dumps(outcome, option=orjson.OPT_SERIALIZE_NUMPY)
        # from the answer: KServe changes its response while it sends it
        answer = outcome.answer
        wanted = tuple((name, False) for name in self.engine.model.outputs)
        return lambda: self.engine.render_v2(answer, wanted, identity)[0]


def plain_tensor(tensor: Any) -> dict[str, Any]:
    """A tensor of KServe's as the JSON tensor that it stands for, raw data decoded."""
    data, raw = tensor.data, tensor._raw_data
    if raw is not None and tensor.datatype in DTYPES:
        data = decode(tensor.name, tensor.datatype, raw)
    if tensor.datatype == "BYTES" and isinstance(data, list):
        data = [v.decode("utf-8", errors="replace") if isinstance(v, bytes) else v for v in data]
    shape = list(tensor.shape)
    return {"name": tensor.name, "shape": shape, "datatype": tensor.datatype, "data": data}


def _protocol(request: Any) -> Protocol:
    if not isinstance(request, InferRequest):
        return "v1"
    return "grpc" if request.from_grpc else "v2"


def _request_json(request: Any) -> bytes:
    if not isinstance(request, InferRequest):
        return orjson.dumps(request)
    fields = {"id": request.id, "inputs": [plain_tensor(t) for t in request.inputs]}
    return orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY)


def _size(request: Any) -> int:
    """About what a request takes in memory."""
    if isinstance(request, InferRequest):
        return sum(len(t._raw_data or b"") + _ROUGHLY * len(t.data or ()) for t in request.inputs)
    rows = request.get("instances", ()) if isinstance(request, dict) else ()
    width = len(rows[0]) if rows and isinstance(rows[0], list | dict) else 1
    return _ROUGHLY * width * len(rows)
