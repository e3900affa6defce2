"""The monitor's page on a real port, over models that tests play."""

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import uvicorn
from fastapi import FastAPI

from timonel import ModelMonitor
from timonel.config import parse_config
from timonel_serving.monitor.disk.records import Record
from timonel_serving.monitor.models.station import Station, Watched
from timonel_serving.monitor.models.watched import Clock, Place
from timonel_serving.monitor.page import routes

SETTINGS = """
model: {{name: {name}}}
data: {{source: data.csv, target: label}}
"""


def watched(
    monitor: ModelMonitor, name: str, folder: Path, clock: Clock = time.time, detectors: int = 2
) -> Watched:
    """A model whose detectors have just been heard of."""
    config = parse_config(SETTINGS.format(name=name))
    one = Watched(name, config, monitor, Place(folder / name), clock)
    if monitor.standing().newest is not None:
        for i in range(detectors):
            one.receive(Record("rows", b"", f"{name}-pod-{i + 1}", 0, clock()))
    return one


@contextmanager
def served(models: Mapping[str, ModelMonitor], folder: Path) -> Iterator[tuple[str, "Stop"]]:
    """The page's address, and what stops it."""
    with serving([watched(one, name, folder) for name, one in models.items()]) as found:
        yield found


@contextmanager
def serving(models: Sequence[Watched]) -> Iterator[tuple[str, "Stop"]]:
    """The same, of models that are watched already."""
    station = Station(models)
    app = FastAPI()
    app.include_router(routes(station))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        thread = Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        stop = Stop(server, thread)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", stop
        stop()
        station.close()


class Stop:
    """Ends a server; a second time does nothing."""

    def __init__(self, server: uvicorn.Server, thread: Thread) -> None:
        self._server, self._thread = server, thread

    def __call__(self) -> None:
        """Returns once it has ended."""
        self._server.should_exit = True
        self._thread.join()
