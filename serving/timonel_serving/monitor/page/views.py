"""What was read for a page since the last judging: a reload costs nothing."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from timonel.errors import TimonelError
from timonel.monitor.report.view import ReportView
from timonel_serving.monitor.models.readings import Readings
from timonel_serving.monitor.models.station import Watched
from timonel_serving.monitor.page.asked import Asked
from timonel_serving.monitor.rollouts.story import Story, joined, of_lease, recorded

if TYPE_CHECKING:
    from timonel.diagnosis.record import Told
    from timonel.ledger import Record

MOST = 32
MOST_DECISIONS = 50

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Decisions:
    """The newest decisions and all rollouts among them, or why they cannot be read."""

    records: "tuple[Record, ...]" = ()
    rollouts: tuple[Story, ...] = ()
    diagnosis: "Told | None" = None
    """The newest one."""
    error: str = ""


class Views:
    """The newest views by model, time and version. Safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], tuple[Readings, Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, watched: Watched, asked: Asked) -> ReportView:
        """The view asked for, as of the last judging."""

        def view() -> ReportView:
            start, end = asked.span(watched.readings().standing.newest)
            return watched.monitor.view(start, end, asked.version)

        return self._fresh(watched, (asked.range, asked.start, asked.end, asked.version), view)

    def decisions(self, watched: Watched) -> Decisions:
        """The newest ones, newest first; a ledger that does not answer leaves the rest of the page."""

        def read() -> Decisions:
            try:
                from timonel.diagnosis.record import newest  # loads the ledger's libraries

                found = watched.decisions()
                told = tuple(recorded(watched.name, reversed(found)))
                shown = (one for one in found if not of_lease(one))
                records = tuple(islice(shown, MOST_DECISIONS))
                return Decisions(records, told, newest(found, watched.name))
            except TimonelError as error:
                return Decisions(error=error.message)

        return self._fresh(watched, ("decisions",), read)

    def rollouts(self, watched: Watched) -> list[Story]:
        """Those that are judged here as they are now, and those that the ledger tells of; newest first."""
        return list(joined(watched.rollouts.all, self.decisions(watched).rollouts))

    def _fresh(self, watched: Watched, what: tuple[Any, ...], read: Callable[[], Kept]) -> Kept:
        readings, key = watched.readings(), (watched.name, *what)
        with self._lock:
            known = self._kept.get(key)
        if known is not None and known[0] is readings:
            return known[1]  # type: ignore[no-any-return]  # what `read` of the same key gave
        found = read()
        with self._lock:
            self._kept[key] = readings, found
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return found
