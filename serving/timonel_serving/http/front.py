"""The fast way for the two inference paths; everything else goes on to KServe's own application.

A raw ASGI application: no routing, no validation framework, no log line a request. It answers with
the same engine as the KServe model behind it.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Literal, Protocol

from timonel_serving.engine import Reply
from timonel_serving.http.admission import Gate
from timonel_serving.http.body import Disconnected, check_size, read_body
from timonel_serving.http.exchange import Exchange, Message, Receive, Scope, Send
from timonel_serving.log.cloudevents import Inference
from timonel_serving.log.queue import InferenceLog
from timonel_serving.metrics import Metrics
from timonel_serving.problems import Problem, problem_of

_log = logging.getLogger("timonel.serving")
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Answering(Protocol):
    """What answers the requests of some paths with one model."""

    name: str
    version: str
    metrics: Metrics
    routes: Mapping[str, Literal["v1", "v2"]]
    """The paths that are answered, each with its protocol."""

    def reply(self, exchange: Exchange) -> Reply:
        """Answer a request whose body has been read."""


class Front:
    """Answers inference requests over HTTP."""

    def __init__(
        self,
        engine: Answering,
        gate: Gate,
        kserve: App,
        *,
        max_body: int,
        inline_bytes: int,
        log: InferenceLog | None = None,
    ) -> None:
        self._engine, self._gate, self._kserve, self._inference_log = engine, gate, kserve, log
        self._max_body, self._inline = max_body, inline_bytes
        self._routes = engine.routes
        self._version = (b"x-timonel-version", engine.version.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        protocol = self._routes.get(scope.get("path", "")) if scope["type"] == "http" else None
        if protocol is None or scope["method"] != "POST" or _is_cloudevent(scope):
            await self._pass_on(scope, receive, send)
            return
        await self._infer(Exchange.of(protocol, scope), receive, send)

    async def _infer(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        received, start = time.time(), time.perf_counter()
        status, code = HTTPStatus.OK, "ok"
        try:
            self._gate.enter()
            try:
                reply = await self._answer(exchange, receive)
                await self._send(send, exchange, reply)
            finally:
                self._gate.leave()
        except Disconnected:
            self._engine.metrics.request(exchange.protocol, "disconnected", 0.0)
            return
        except Exception as error:
            problem = self._problem(error, exchange)
            status, code = HTTPStatus(problem.status), problem.code
            reply = Reply(problem.body(exchange.id))
            await self._send(send, exchange, reply, problem)
        seconds = time.perf_counter() - start
        self._engine.metrics.request(exchange.protocol, code, seconds)
        if self._inference_log is not None:
            self._inference_log.put(_inference(exchange, reply, received, seconds, status))

    async def _answer(self, exchange: Exchange, receive: Receive) -> Reply:
        exchange.check_media()
        announced = exchange.announced
        if announced is not None and announced <= self._inline:
            exchange.body = await read_body(receive, self._max_body)
            return self._engine.reply(exchange)
        check_size(announced or 0, self._max_body)
        with self._gate.place():
            exchange.body = await read_body(receive, self._max_body)
            return await self._gate.run(lambda: self._engine.reply(exchange))

    def _problem(self, error: Exception, exchange: Exchange) -> Problem:
        problem = problem_of(error, exchange.protocol)
        if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            said = {"request_id": exchange.id}
            _log.error("a request failed", exc_info=error, extra=said)
        return problem

    async def _send(
        self, send: Send, exchange: Exchange, reply: Reply, problem: Problem | None = None
    ) -> None:
        binary = reply.header_length
        headers = [
            (
                b"content-type",
                b"application/json" if binary is None else b"application/octet-stream",
            ),
            (b"content-length", b"%d" % len(reply.body)),
            (b"x-request-id", exchange.id.encode()),
            self._version,
        ]
        if binary is not None:
            headers.append((b"inference-header-content-length", b"%d" % binary))
        if problem is not None and problem.retry_after is not None:
            headers.append((b"retry-after", b"%d" % problem.retry_after))
        if self._gate.draining:
            headers.append((b"connection", b"close"))
        status = HTTPStatus.OK if problem is None else problem.status
        await send({"type": "http.response.start", "status": int(status), "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let KServe answer; the version and the request's id are added."""
        if scope["type"] != "http":
            await self._kserve(scope, receive, send)
            return
        identity = (b"x-request-id", Exchange.of("v1", scope).id.encode())
        kept = [h for h in scope["headers"] if h[0] != b"x-request-id"]

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), self._version, identity]
            await send(message)

        await self._kserve({**scope, "headers": [*kept, identity]}, receive, stamped)


def _is_cloudevent(scope: Scope) -> bool:
    """CloudEvents wrap a V1 body; KServe unwraps them."""
    return any(
        name == b"ce-specversion" or (name == b"content-type" and b"cloudevents" in value)
        for name, value in scope["headers"]
    )


def _inference(
    exchange: Exchange, reply: Reply, received: float, seconds: float, status: int
) -> Inference:
    binary = exchange.headers.get(b"inference-header-content-length", b"")
    return Inference(
        exchange.id,
        received,
        seconds,
        int(status),
        exchange.body,
        reply.body,
        size=len(exchange.body) + len(reply.body),
        content_type=(exchange.content_type or b"application/json").decode("latin-1"),
        request_json=int(binary) if binary.isdigit() else None,
        response_json=reply.header_length,
    )
