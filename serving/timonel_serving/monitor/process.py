"""The monitor's process: put together, listening, and stopped in order."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from prometheus_client import CollectorRegistry

from timonel.config.watching import MonitorService
from timonel_serving.listen import address, bind
from timonel_serving.monitor.access import access
from timonel_serving.monitor.api.app import create_app
from timonel_serving.monitor.api.service import Service
from timonel_serving.monitor.gate import Gate
from timonel_serving.monitor.metrics import MonitorMetrics
from timonel_serving.monitor.models.station import Station
from timonel_serving.monitor.page import routes
from timonel_serving.monitor.rounds.diagnosing import Diagnosing
from timonel_serving.monitor.rounds.judging import Judging
from timonel_serving.monitor.rounds.keeping import Keeping

SECTION = "monitoring.monitor"
_LAST_CALL = 5


def put_together(
    station: Station,
    settings: MonitorService,
    environment: Mapping[str, str],
    clock: Callable[[], float],
) -> Service:
    """The service of a station; nothing runs yet."""
    judging = Judging(station, settings.judge_every.total_seconds(), clock)
    registry = CollectorRegistry()
    registry.register(MonitorMetrics(station, judging))
    allowed = access(settings.host, environment)
    return Service(station, judging, allowed, Gate(), registry, int(settings.max_body_mb * 2**20))


def run(
    service: Service,
    settings: MonitorService,
    announce: Callable[[str], Any],
    config_path: Path | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is told the address.

    What opens is diagnosed by the settings in `config_path`; without them nothing is.
    """
    listener = bind(settings.host, settings.port, "port", SECTION)
    config = uvicorn.Config(
        create_app(service, [routes(service.station)]),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=_LAST_CALL,
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        announce(f"http://{address(listener)}")
        await server.serve(sockets=[listener])

    models = [service.station.model(name) for name in service.station.names]
    threads: list[Judging | Keeping | Diagnosing] = [service.judging]
    pause = settings.diagnose_every
    if config_path is not None and pause is not None:
        ours = (one for one in models if one.keeps)
        threads += [Diagnosing(one, config_path, pause.total_seconds()) for one in ours]
    threads += [Keeping(one) for one in models if one.keeps]
    listener.listen(2048)
    for thread in threads:
        thread.start()
    try:
        uvloop.run(serve())
    finally:
        for thread in threads:
            thread.stop()
        service.station.close()
