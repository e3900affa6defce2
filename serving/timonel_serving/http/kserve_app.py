"""KServe's own application: its endpoints as they are, with our readiness, refusals and quiet log."""

import logging
from typing import Any

import kserve.model_server
from kserve.errors import (
    InvalidInput,
    ModelNotFound,
    ModelNotReady,
    ServerNotReady,
    UnsupportedProtocol,
)
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.rest.server import RESTServer
from starlette.requests import Request
from starlette.responses import Response

from timonel.errors import TimonelError
from timonel_serving.http.admission import Gate
from timonel_serving.http.front import App
from timonel_serving.http.identity import request_id
from timonel_serving.problems import problem_of

_LOGGERS = ("kserve", "kserve.trace", "uvicorn", "uvicorn.error")
_REFUSALS = (
    TimonelError,
    InvalidInput,
    ModelNotFound,
    ModelNotReady,
    ServerNotReady,
    UnsupportedProtocol,
    NotImplementedError,
)


class Readiness(DataPlane):  # type: ignore[misc]  # kserve publishes no types
    """KServe's data plane, not ready once the server drains."""

    gate: Gate

    async def ready(self) -> bool:
        """Whether new requests are taken."""
        return not self.gate.draining and bool(await super().ready())


def kserve_app(dataplane: DataPlane, repository: Any) -> App:
    """The application with KServe's routes. Once a process: KServe has one application for all."""
    RESTServer("kserve.model_server:app", dataplane, repository, 0).create_application()
    application = kserve.model_server.app
    application.add_exception_handler(TimonelError, _refuse)
    application.add_exception_handler(Exception, _refuse)
    app: App = application
    return app


def quieten(*, verbose: bool) -> None:
    """Keep what needs no one's attention out of the log: a refusal is an answer, not a failure."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO if verbose else logging.WARNING)
        if not verbose:
            logger.addFilter(_is_news)


async def _refuse(request: Request, error: Exception) -> Response:
    problem = problem_of(error, "v2" if request.url.path.startswith("/v2") else "v1")
    identity = request_id(request.headers.get("x-request-id"))
    headers = {"retry-after": str(problem.retry_after)} if problem.retry_after else None
    return Response(problem.body(identity), problem.status, headers, "application/json")


def _is_news(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, _REFUSALS)
