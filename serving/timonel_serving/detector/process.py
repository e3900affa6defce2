"""The detector's process: put together, listening, and stopped in order."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import uvloop
from prometheus_client import CollectorRegistry

from timonel.config.watching import Detector
from timonel.durations import microseconds
from timonel.monitor.config import MonitorConfig
from timonel.monitor.monitor import ModelMonitor
from timonel.reference import Reference
from timonel_serving.detector.app import DetectorApp, Door
from timonel_serving.detector.batch import ROLES
from timonel_serving.detector.commit import Commit
from timonel_serving.detector.contract_check import ContractCheck
from timonel_serving.detector.delivery.delivery import Delivery
from timonel_serving.detector.folding import Folding
from timonel_serving.detector.join import Bounds, Join
from timonel_serving.detector.judging import Judging
from timonel_serving.detector.lately import Lately
from timonel_serving.detector.metrics import DetectorMetrics
from timonel_serving.detector.onward import Onward, Stations
from timonel_serving.detector.spool import Spool
from timonel_serving.detector.tally import Tally
from timonel_serving.detector.tap import Tap
from timonel_serving.listen import address, bind

_MB = 2**20
_HORIZON = 10 * 60 * 1_000_000
"""Microseconds of delivered events that are read again after a restart, at least."""
_LAST_CALL = 5.0
"""Seconds in which those who are sending may end."""


@dataclass(frozen=True)
class Detection:
    """A detector, put together."""

    monitor: ModelMonitor
    deliveries: Sequence[Delivery]
    folding: Folding
    spool: Spool
    tally: Tally
    door: Door

    def start(self) -> None:
        """Start folding and delivering."""
        for delivery in self.deliveries:
            delivery.start()
        self.folding.start()

    def stop(self) -> None:
        """Stop in order: what was read is delivered if it can be, the rest stays in the spool."""
        self.folding.stop()
        for delivery in self.deliveries:
            delivery.stop()
        self.spool.close()


def put_together(
    settings: Detector,
    watching: MonitorConfig,
    reference: Reference | None,
    folder: Path,
    clock: Callable[[], int] = lambda: time.time_ns() // 1000,
    *,
    deliveries: Sequence[Delivery] = (),
    taps: Sequence[Tap] = (),
) -> Detection:
    """A detector whose spool lies in `folder`; nothing runs yet."""
    monitor = ModelMonitor(reference, watching.model_copy(update={"columns": ROLES}))
    spool, tally, lately = Spool(folder, int(settings.spool_mb * _MB)), Tally(), Lately()
    contract = None if reference is None else reference.contract
    check = None if contract is None else ContractCheck(contract)
    onward, judging = Onward(Stations(monitor, check, taps, deliveries)), Judging(monitor)
    timeout = microseconds(settings.join_timeout)
    folding = Folding(
        spool,
        Join(Bounds(timeout), tally),
        onward,
        judging,
        tally,
        lately,
        horizon=max(_HORIZON, 2 * timeout),
        names=_names(reference),
        services=settings.services,
        clock=clock,
    )
    registry = CollectorRegistry()
    registry.register(DetectorMetrics(tally, spool, folding, onward, judging))
    commit = Commit(spool) if settings.durable else None
    max_body = int(settings.max_body_mb * _MB)

    def alive() -> bool:
        return folding.alive and all(delivery.alive for delivery in deliveries)

    door = Door(spool, tally, registry, alive, clock, max_body, commit, lately)
    return Detection(monitor, deliveries, folding, spool, tally, door)


def _names(reference: Reference | None) -> tuple[str, ...]:
    """The features in the order in which rows without names have them."""
    if reference is None:
        return ()
    if reference.contract is None:
        return tuple(reference.names)
    return tuple(column.name for column in reference.contract.features)


def run(detection: Detection, settings: Detector, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is told the address."""
    listener = bind(settings.host, settings.port, "port", "monitoring.detector")
    config = uvicorn.Config(
        DetectorApp(detection.door),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=65,
        timeout_graceful_shutdown=int(_LAST_CALL),
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        announce(f"http://{address(listener)}")
        detection.start()  # what it imports then takes as long as all before
        await server.serve(sockets=[listener])

    _spare_the_collector()
    listener.listen(2048)
    try:
        uvloop.run(serve())
    finally:
        detection.stop()


def _spare_the_collector() -> None:
    """Parsed JSON has no cycles: the collector, which looks at it all again, would take most of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
