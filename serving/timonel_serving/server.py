"""The process: a `kserve.ModelServer` with the fast way in front, that starts whole and drains."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import kserve
import uvicorn
import uvloop

from timonel.config.sections import Serving
from timonel_serving.grpc_service import Servicer, start_grpc
from timonel_serving.http.admission import Gate
from timonel_serving.http.front import Answering, Front
from timonel_serving.http.kserve_app import Readiness, kserve_app
from timonel_serving.http.repository import OneModel
from timonel_serving.listen import address, bind, bracketed, taken
from timonel_serving.log.queue import InferenceLog

_log = logging.getLogger("timonel.serving")
_LAST_CALL = 0.3
"""Seconds in which those who were already on their way still get an answer, if only a refusal."""

_LOG_SECONDS = 5.0
"""Seconds that the last inferences have to reach the log's receiver."""


@dataclass(frozen=True)
class Addresses:
    """Where the server listens."""

    rest: str
    grpc: str | None


@dataclass(frozen=True)
class Parts:
    """What the server is put together from."""

    engine: Answering
    gate: Gate
    model: kserve.Model
    """The model as KServe's own endpoints reach it."""
    log: InferenceLog | None
    inline_bytes: int
    port_setting: str = "port"
    """The setting that a taken port is told by."""


class _Uvicorn(uvicorn.Server):
    """uvicorn that leaves signals to us and says when it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say_started = started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the model server's business."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets=sockets)
        self._say_started()


class PredictorServer(kserve.ModelServer):  # type: ignore[misc]
    """One model in one process: REST on uvloop with the fast way in front, gRPC beside it."""

    def __init__(
        self, parts: Parts, settings: Serving, announce: Callable[[Addresses], None]
    ) -> None:
        super().__init__(
            http_port=settings.port,
            grpc_port=settings.grpc_port or 0,
            enable_grpc=settings.grpc_port is not None,
            enable_latency_logging=False,
            registered_models=OneModel(),
        )
        self._parts, self._settings, self._announce = parts, settings, announce
        self._max_body = int(settings.max_body_mb * 2**20)
        self.dataplane = Readiness(model_registry=self.registered_models)
        self.dataplane.gate = parts.gate
        self._stopping: asyncio.Task[None] | None = None

    def start(self, models: list[kserve.Model]) -> None:
        """Serve until SIGTERM or SIGINT; returns once all is drained."""
        self._register_and_check_atleast_one_model_is_ready(models)
        rest = bind(self._settings.host, self._settings.port, self._parts.port_setting)
        # what is loaded by now stays: the collector need not look at it again and again
        gc.collect()
        gc.freeze()
        uvloop.run(self._run(rest))

    async def _run(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop, number)
        grpc = await self._start_grpc() if self.enable_grpc else None
        host = bracketed(self._settings.host)
        addresses = Addresses(f"http://{address(listener)}", f"{host}:{grpc}" if grpc else None)
        self._uvicorn = self._rest(lambda: self._announce(addresses))
        if self._parts.log is not None:
            self._parts.log.start()
        await self._uvicorn.serve(sockets=[listener])
        if self._stopping is not None:
            await self._stopping

    def _rest(self, started: Callable[[], None]) -> uvicorn.Server:
        parts = self._parts
        front = Front(
            parts.engine,
            parts.gate,
            kserve_app(self.dataplane, self.model_repository_extension),
            max_body=self._max_body,
            inline_bytes=parts.inline_bytes,
            log=parts.log,
        )
        config = uvicorn.Config(
            front,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_keep_alive=65,
        )
        return _Uvicorn(config, started)

    async def _start_grpc(self) -> int:
        version = self._parts.engine.version
        servicer = Servicer(self.dataplane, self.model_repository_extension, version)
        port = self._settings.grpc_port or 0
        try:
            self._grpc, bound = start_grpc(servicer, self._settings.host, port, self._max_body)
        except RuntimeError:
            raise taken(self._settings.host, port, "grpc_port") from None
        await self._grpc.start()
        return bound

    def stop(self, sig: int) -> None:
        """Drain; a second signal ends the process at once."""
        if self._stopping is not None:
            os._exit(128 + sig)
        self._stopping = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        """Not ready first; then what is under way finishes; then the listeners close."""
        loop, gate = asyncio.get_running_loop(), self._parts.gate
        seconds = self._settings.drain_seconds
        deadline = loop.time() + seconds - min(1.0, seconds / 10)
        gate.draining = True
        _log.info("draining: %d requests under way", gate.under_way)
        last_call = min(deadline, loop.time() + _LAST_CALL)
        while loop.time() < last_call or (gate.under_way and loop.time() < deadline):
            await asyncio.sleep(0.02)
        if gate.under_way:
            _log.error("gave up %d requests after %g seconds", gate.under_way, seconds)
        left = max(0.0, deadline - loop.time())
        self._uvicorn.config.timeout_graceful_shutdown = left  # type: ignore[assignment]
        self._uvicorn.should_exit = True
        if self.enable_grpc:
            await self._grpc.stop(left)
        if self._parts.log is not None:
            left = min(_LOG_SECONDS, max(0.2, deadline - loop.time()))
            await asyncio.to_thread(self._parts.log.close, left)


def leave(gate: Gate) -> None:
    """End the process although the model may still be busy with a request that was given up."""
    if gate.under_way or gate.places:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
