"""Views that were computed since the last judging: a reload costs nothing."""

from collections import OrderedDict
from threading import Lock

from timonel.monitor.report.view import ReportView
from timonel_serving.monitor.page.asked import Asked
from timonel_serving.monitor.readings import Readings
from timonel_serving.monitor.station import Watched

MOST = 32

Key = tuple[str, str, object, object, str | None]


class Views:
    """The newest views by model, time and version. Safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, tuple[Readings, ReportView]] = OrderedDict()
        self._lock = Lock()

    def get(self, watched: Watched, asked: Asked) -> ReportView:
        """The view asked for, as of the last judging."""
        readings = watched.readings()
        key = (watched.name, asked.range, asked.start, asked.end, asked.version)
        with self._lock:
            known = self._kept.get(key)
        if known is not None and known[0] is readings:
            return known[1]
        start, end = asked.span(readings.standing.newest)
        view = watched.monitor.view(start, end, asked.version)
        with self._lock:
            self._kept[key] = readings, view
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return view
