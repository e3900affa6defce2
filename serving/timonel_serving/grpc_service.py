"""KServe's gRPC service, with refusals as statuses and the version on each response."""

import logging
from http import HTTPStatus
from typing import Any, NamedTuple

from grpc import StatusCode, aio
from kserve.errors import InvalidInput, ModelNotFound
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as wire
from kserve.protocol.grpc.servicer import InferenceServicer

from timonel.errors import Unavailable
from timonel_serving.http.identity import request_id
from timonel_serving.problems import Malformed, Problem, problem_of

_log = logging.getLogger("timonel.serving")
_STATUS: dict[int, StatusCode] = {
    HTTPStatus.NOT_FOUND: StatusCode.NOT_FOUND,
    HTTPStatus.INTERNAL_SERVER_ERROR: StatusCode.INTERNAL,
    HTTPStatus.SERVICE_UNAVAILABLE: StatusCode.UNAVAILABLE,
}
"""What means the same; of all else it is the request that is wrong."""


class _Entry(NamedTuple):
    """Metadata as KServe reads it: so the model behind it sees the request's id too."""

    key: str
    value: str


class Servicer(InferenceServicer):  # type: ignore[misc]  # kserve publishes no types
    """KServe's servicer around inference."""

    def __init__(self, dataplane: Any, repository: Any, version: str) -> None:
        super().__init__(dataplane, repository)
        self._version = version

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer an inference, or abort with the status of its refusal."""
        metadata = dict(context.invocation_metadata() or ())
        identity = request_id(str(metadata.get("x-request-id") or request.id))
        context.set_trailing_metadata(
            (
                _Entry("x-timonel-version", self._version),
                _Entry("x-request-id", identity),
            )
        )
        try:
            return await super().ModelInfer(request, context)
        except Exception as error:
            problem = self._problem(error, identity)
        status = _STATUS.get(problem.status, StatusCode.INVALID_ARGUMENT)
        return await context.abort(status, _details(problem))

    def _problem(self, error: Exception, identity: str) -> Problem:
        if isinstance(error, InvalidInput):
            error = Malformed(error.reason)
        if isinstance(error, ModelNotFound):
            return Problem(404, "not_found", error.reason)
        problem = problem_of(error, "grpc")
        if problem.status >= 500 and not isinstance(error, Unavailable):
            said = {"request_id": identity}
            _log.error("a request failed", exc_info=error, extra=said)
        return problem


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
