"""The thread that judges what is over, so that an answer never waits for it."""

import logging
import threading
import time
from collections.abc import Callable

from timonel_serving.monitor.models.station import Station

_log = logging.getLogger("timonel.monitor")


class Judging:
    """Rounds over all models of a station."""

    def __init__(self, station: Station, every: float, clock: Callable[[], float]) -> None:
        self._station, self._every, self._clock = station, every, clock
        self.heartbeat: float | None = None
        """Wall clock at the end of the last round in which nothing failed."""
        self.round_seconds: float | None = None
        """How long it took."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="judging", daemon=True)

    def start(self) -> None:
        """Begin with a round at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round at hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._round()
            self._stopping.wait(self._every)

    def _round(self) -> None:
        begun = time.perf_counter()
        judged = [self._judge(name) for name in self._station.names]
        if all(judged):
            self.round_seconds = time.perf_counter() - begun
            self.heartbeat = self._clock()

    def _judge(self, name: str) -> bool:
        try:
            self._station.model(name).upkeep()
        except Exception:
            # the next round may do better, and the heartbeat tells that this one failed
            _log.exception("a round of judging failed", extra={"model": name})
            return False
        return True
