"""What the detector's own windows say is abnormal, looked at every few seconds."""

import logging
import time
from collections import Counter
from collections.abc import Mapping

from timonel.anomalies import Anomaly
from timonel.anomalies.anomaly import Severity
from timonel.anomalies.words import DRIFT
from timonel.monitor.monitor import ModelMonitor
from timonel_serving.detector.failure import told

_log = logging.getLogger("timonel.serving")
_SECONDS = 5.0


class Judging:
    """The open anomalies of a monitor, as they were when it was last asked."""

    def __init__(self, monitor: ModelMonitor) -> None:
        self._monitor = monitor
        self._last = 0.0
        self._open: tuple[Anomaly, ...] = ()

    def look(self) -> None:
        """Ask the monitor, if the last time was a while ago."""
        now = time.monotonic()
        if now - self._last < _SECONDS:
            return
        self._last = now
        try:
            self._open = tuple(one for one in self._monitor.detect_anomalies() if not one.cleared)
        except Exception as error:
            _log.error("the windows could not be judged: %s", told(error))

    def counted(self, *, drift: bool) -> Mapping[Severity, int]:
        """Open episodes of drift, or the other anomalies, by severity."""
        found = Counter(one.severity for one in self._open if (one.what == DRIFT) is drift)
        return {severity: found[severity] for severity in Severity}
