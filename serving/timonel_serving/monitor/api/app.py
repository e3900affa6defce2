"""The monitor's HTTP interface."""

import logging
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from timonel.errors import BadInput, TimonelError
from timonel_serving.http.body import Disconnected
from timonel_serving.http.exchange import Message, Receive, Scope, Send
from timonel_serving.http.identity import request_id
from timonel_serving.logs import logged_as
from timonel_serving.monitor.api import schemas
from timonel_serving.monitor.api.counts import counting
from timonel_serving.monitor.api.diagnosed import diagnosed
from timonel_serving.monitor.api.openapi import describe
from timonel_serving.monitor.api.reading import reading, tending
from timonel_serving.monitor.api.service import Service
from timonel_serving.monitor.api.taking import taking
from timonel_serving.monitor.rollouts.routes import rolling
from timonel_serving.monitor.served.answers import telling
from timonel_serving.problems import Problem, problem_of

_log = logging.getLogger("timonel.monitor")
_REFUSED = (400, 401, 404, 409, 413, 415, 503)
_REFUSALS: dict[int | str, dict[str, Any]] = {code: {"model": schemas.Problem} for code in _REFUSED}


class BadQuery(BadInput):
    """A parameter of the request is not what the interface says."""

    code = "bad_query"


def create_app(service: Service, pages: Iterable[APIRouter] = ()) -> FastAPI:
    """The application; `pages` are further routes, such as those of the page."""
    app = FastAPI(title="Timonel monitor", version="1", docs_url=None, redoc_url=None)
    for routes in (reading, diagnosed, counting, taking, rolling, telling):
        app.include_router(routes(service), responses=_REFUSALS)
    for page in (tending(service), *pages):
        app.include_router(page)
    for kind in (TimonelError, RequestValidationError, HTTPException, Disconnected):
        app.add_exception_handler(kind, _refuse)
    app.add_middleware(Identified)
    describe(app)
    return app


class Identified:
    """Gives each request an id, which the answer and the log have."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        name = scope["state"]["request_id"] = request_id(given)
        begun, status = time.perf_counter(), 0

        async def identified(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message["headers"])
                headers["x-request-id"] = name
                headers["x-content-type-options"] = "nosniff"  # the page says it, too: once
                message["headers"] = headers.raw
            await send(message)

        with logged_as(request_id=name):
            try:
                await self._app(scope, receive, identified)
            except Exception as error:
                _log.exception("a request failed")
                if not status:
                    refusal = await _refuse(Request(scope), error)
                    await refusal(scope, receive, identified)
            facts = {"method": scope["method"], "path": scope["path"][:200], "status": status}
            took = round((time.perf_counter() - begun) * 1000, 2)
            _log.debug("request answered", extra=facts | {"milliseconds": took})


async def _refuse(request: Request, error: Exception) -> Response:
    """The problem that an error is."""
    if isinstance(error, Disconnected):
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    problem = _problem(error)
    body = schemas.Problem(
        type=f"urn:timonel:problem:{problem.code}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.message,
        code=problem.code,
        fix=problem.fix,
        request_id=request.state.request_id,
    )
    headers = {"retry-after": str(problem.retry_after or 1)} if problem.status == 503 else {}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(
        body.model_dump(exclude_none=True),
        problem.status,
        headers,
        media_type="application/problem+json",
    )


def _problem(error: Exception) -> Problem:
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = " ".join(str(part) for part in first["loc"])
        return problem_of(BadQuery(f"{place}: {first['msg']}"), "v1")
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        return Problem(status, status.name.lower(), status.phrase)
    return problem_of(error, "v1")
