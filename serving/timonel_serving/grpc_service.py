"""KServe's gRPC service, with refusals as statuses and the version on each response."""

import logging
import time
from typing import Any, NamedTuple

import orjson
from grpc import aio
from kserve.errors import InvalidInput, ModelNotFound
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as wire
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.infer_type import InferRequest, InferResponse

from timonel.errors import Unavailable
from timonel_serving.cloudevents import Inference
from timonel_serving.engine import Engine
from timonel_serving.identity import request_id
from timonel_serving.inference_log import InferenceLog
from timonel_serving.problems import Malformed, Problem, problem_of

_log = logging.getLogger("timonel.serving")


class _Entry(NamedTuple):
    """Metadata as KServe reads it: so the model behind it sees the request's id too."""

    key: str
    value: str


class Servicer(InferenceServicer):  # type: ignore[misc]  # kserve publishes no types
    """KServe's servicer around inference."""

    def __init__(
        self, dataplane: Any, repository: Any, engine: Engine, log: InferenceLog | None
    ) -> None:
        super().__init__(dataplane, repository)
        self._engine, self._inference_log = engine, log

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer an inference, or abort with the status of its refusal."""
        metadata = dict(context.invocation_metadata() or ())
        identity = request_id(str(metadata.get("x-request-id") or request.id))
        context.set_trailing_metadata(
            (
                _Entry("x-timonel-version", self._engine.version),
                _Entry("x-request-id", identity),
            )
        )
        received, start = time.time(), time.perf_counter()
        problem, response = None, None
        try:
            response = await super().ModelInfer(request, context)
        except Exception as error:
            problem = self._problem(error, identity)
        seconds = time.perf_counter() - start
        self._engine.metrics.request("grpc", problem.code if problem else "ok", seconds)
        self._record(request, response, problem, identity, received, seconds)
        if problem is not None:
            await context.abort(problem.grpc_status, _details(problem))
        return response

    def _problem(self, error: Exception, identity: str) -> Problem:
        if isinstance(error, InvalidInput):
            error = Malformed(error.reason)
        if isinstance(error, ModelNotFound):
            return Problem(404, "not_found", error.reason)
        problem = problem_of(error, "grpc")
        if problem.status >= 500 and not isinstance(error, Unavailable):
            _log.error("request %s failed", identity, exc_info=error)
        return problem

    def _record(
        self,
        request: Any,
        response: Any,
        problem: Problem | None,
        identity: str,
        received: float,
        seconds: float,
    ) -> None:
        if self._inference_log is None:
            return
        self._inference_log.put(
            Inference(
                identity,
                received,
                seconds,
                problem.status if problem else 200,
                lambda: _request_json(request),
                lambda: problem.body(identity) if problem else _response_json(response),
                size=request.ByteSize() + (response.ByteSize() if response else 0),
            )
        )


def start_grpc(servicer: Servicer, host: str, port: int, max_body: int) -> tuple[aio.Server, int]:
    """A gRPC server bound to an address, not yet started, and its port."""
    server = aio.server(
        options=[
            ("grpc.max_receive_message_length", max_body),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ]
    )
    wire.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    return server, server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def _details(problem: Problem) -> str:
    fix = f" ({problem.fix})" if problem.fix else ""
    return f"{problem.code}: {problem.message}{fix}"


def _request_json(request: Any) -> bytes:
    """A gRPC request as the V2 JSON that says the same."""
    plain = InferRequest.from_grpc(request)
    for tensor in plain.inputs:
        if tensor._raw_data is not None:
            tensor.data = tensor.as_numpy().ravel().tolist()
    inputs = [
        {"name": t.name, "shape": t.shape, "datatype": t.datatype, "data": t.data}
        for t in plain.inputs
    ]
    return orjson.dumps({"id": plain.id, "inputs": inputs}, default=_text)


def _response_json(response: Any) -> bytes:
    plain = InferResponse.from_grpc(response)
    outputs = [
        {
            "name": t.name,
            "shape": t.shape,
            "datatype": t.datatype,
            "data": t.as_numpy().ravel().tolist(),
        }
        for t in plain.outputs
    ]
    fields = {"id": plain.id, "model_name": plain.model_name, "outputs": outputs}
    return orjson.dumps({**fields, "model_version": plain.model_version}, default=_text)


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
