"""The detector's HTTP interface, a raw ASGI application: events in, health and metrics out.

POST /          200 once the events are in the spool; with `durable` once they are on the disk
GET  /healthz   200 while events are folded, else 503
GET  /metrics   Prometheus
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from timonel.errors import BadInput, TimonelError, Unavailable
from timonel_serving.detector.commit import Commit
from timonel_serving.detector.folding import Clock
from timonel_serving.detector.gzipped import MAX_BODY, gunzip
from timonel_serving.detector.half import Refusal
from timonel_serving.detector.lately import Events, Lately
from timonel_serving.detector.message import Message
from timonel_serving.detector.spool import Spool
from timonel_serving.detector.tally import Intake, Tally
from timonel_serving.http.body import Disconnected, read_body
from timonel_serving.http.exchange import Receive, Scope, Send
from timonel_serving.problems import Malformed, TooLarge, UnsupportedMedia, problem_of

_log = logging.getLogger("timonel.serving")
_JSON = b"application/json"
_TAKEN = b"{}"


class NoEvents(BadInput):
    """A message without an event that can be taken."""

    code = "no_events"


@dataclass(frozen=True)
class Door:
    """What the application leads to."""

    spool: Spool
    tally: Tally
    registry: CollectorRegistry
    alive: Callable[[], bool]
    clock: Clock
    max_body: int
    commit: Commit | None
    """Where an answer is to wait for the disk."""
    lately: Lately


class DetectorApp:
    """Takes events and answers at once."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        if scope["type"] != "http":
            return
        if scope["method"] == "POST":
            # KServe's agent is given an address with any path
            await self._post(scope, receive, send)
        elif scope["method"] != "GET":
            await _answer(send, HTTPStatus.METHOD_NOT_ALLOWED, _error("only POST and GET"))
        elif scope["path"] == "/metrics":
            text = generate_latest(self._door.registry)
            await _answer(send, HTTPStatus.OK, text, CONTENT_TYPE_LATEST.encode())
        elif scope["path"] == "/healthz":
            alive = self._door.alive()
            status = HTTPStatus.OK if alive else HTTPStatus.SERVICE_UNAVAILABLE
            await _answer(send, status, orjson.dumps({"folding": alive}))
        else:
            await _answer(send, HTTPStatus.NOT_FOUND, _error("there is / , /healthz and /metrics"))

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self._take(scope, receive)
        except Disconnected:
            self._door.tally.count(Intake.DISCONNECTED)
            return
        except Exception as error:
            problem = problem_of(error, "v1")
            self._door.tally.count(_reason(error))
            if not isinstance(error, TimonelError):
                _log.error("a message could not be taken", exc_info=error)
            await _answer(send, problem.status, problem.body(""))
            return
        await _answer(send, HTTPStatus.OK, body)

    async def _take(self, scope: Scope, receive: Receive) -> bytes:
        """Spool the events of a message; the body of the answer."""
        door = self._door
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        body = await read_body(receive, door.max_body, MAX_BODY)
        encoding = next((v for n, v in headers if n == b"content-encoding"), b"identity").lower()
        if encoding == b"gzip":
            body = gunzip(body, door.max_body)
        elif encoding != b"identity":
            raise UnsupportedMedia("the body is compressed otherwise than by gzip")
        message = Message.of(door.clock(), headers, body)
        events = message.events()
        refused = [event for event in events if isinstance(event, Refusal)]
        taken = len(events) - len(refused)
        for reason in refused:
            door.tally.count(reason)
        if events and not taken:
            raise NoEvents(f"no event could be taken: {refused[0].value}")
        if taken:
            await self._spool(message, events, taken)
        return orjson.dumps({"taken": taken, "refused": len(refused)}) if refused else _TAKEN

    async def _spool(self, message: Message, events: Events, taken: int) -> None:
        door = self._door
        position = door.spool.append(message.pack(), taken)
        door.lately.put(position, (message.received, events), len(message.body))
        if door.commit is not None:
            try:
                await door.commit.safe(position)
            except OSError as error:
                raise Unavailable(f"the disk did not take the events: {error}") from None
        door.tally.count(Intake.TAKEN, taken)


def _reason(error: Exception) -> Intake:
    if isinstance(error, NoEvents):
        return Intake.REFUSED
    for kind, reason in _REASONS.items():
        if isinstance(error, kind):
            return reason
    return Intake.FAILED


_REASONS: dict[type[Exception], Intake] = {
    TooLarge: Intake.TOO_LARGE,
    Malformed: Intake.BAD_BODY,
    UnsupportedMedia: Intake.BAD_BODY,
    Unavailable: Intake.NO_DISK,
    BadInput: Intake.BAD_BODY,
}


def _error(message: str) -> bytes:
    return orjson.dumps({"error": message})


async def _answer(send: Send, status: int, body: bytes, kind: bytes = _JSON) -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
