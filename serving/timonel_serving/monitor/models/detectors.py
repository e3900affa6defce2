"""The detectors of a model: how far each has come, and when it was last heard of."""

from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from timonel.monitor.times import as_datetime
from timonel_serving.monitor.models.heard import Heard
from timonel_serving.monitor.models.states import DetectorStatus
from timonel_serving.problems import NameTaken, Overloaded

MOST = 1000
"""Detectors that are known at a time."""
FORGOTTEN = timedelta(days=7).total_seconds()
"""Seconds of silence after which a detector is forgotten: its pod is gone."""


class Detectors:
    """All of them by name. Safe to use from several threads."""

    def __init__(self, stale_after: timedelta) -> None:
        self._stale_after = stale_after.total_seconds()
        self._known: dict[str, Heard] = {}
        self._lock = Lock()

    def mark(self, name: str, spool: str = "") -> int:
        """How far one has come; 0 if it is not known."""
        with self._lock:
            return self._known[name].mark_of(spool) if name in self._known else 0

    def admit(self, name: str, now: float, spool: str) -> None:
        """Raises `NameTaken` where one with another spool has the name, and is at work or was just now.

        Positions in one spool say nothing of another: what the second one sends would look as if it were
        there already.
        """
        with self._lock:
            one = self._known.get(name)
            if one is None or not one.held_against(spool, now, self._stale_after):
                return
            one.refuse(now, self._stale_after)
        raise NameTaken(
            f"the name {name} belongs to another detector, with a spool of its own, that is at work",
            why=f"it was heard of in the last {self._stale_after:g} s; what comes now is not counted",
            fix="give each detector a name of its own: monitoring.detector.name",
        )

    def hear(self, name: str, now: float, spool: str = "") -> int:
        """Note that one is there; its mark. Raises `Overloaded` where there are too many."""
        with self._lock:
            if name not in self._known:
                self._forget(now)
                self._known[name] = Heard(now)
            one = self._known[name]
            one.belong(spool)
            one.heard, one.left = max(now, one.heard), False
            return one.mark

    def leave(self, name: str, spool: str = "") -> None:
        """Note that one has stopped, with all that it had delivered; its mark is kept."""
        with self._lock:
            one = self._known.get(name)
            if one is not None and one.is_of(spool):
                one.left = True

    def _forget(self, now: float) -> None:
        live = {n: one for n, one in self._known.items() if now - one.heard < FORGOTTEN}
        if len(live) >= MOST:
            raise Overloaded(
                f"{MOST} detectors are known already",
                retry_after=3600,
                fix="give each detector one lasting name; the silent are forgotten after a week",
            )
        self._known = live

    def count(self, name: str, mark: int, newest: int) -> None:
        """Note how far one has come."""
        with self._lock:
            one = self._known[name]
            one.mark, one.newest = max(mark, one.mark), max(newest, one.newest)

    def status(self, now: float, newest: int) -> tuple[DetectorStatus, ...]:
        """All that are at work, or should be, by name; `newest` is the newest event time believed.

        A detector whose clock is ahead does not make the others late.
        """
        with self._lock:
            known = sorted(self._known.items())
        return tuple(
            DetectorStatus(
                name=name,
                mark=one.mark,
                newest_event=None if one.newest < 0 else as_datetime(one.newest),
                last_heard=datetime.fromtimestamp(one.heard, UTC),
                lag_seconds=None if one.newest < 0 else max(newest - one.newest, 0) / 1e6,
                stale=now - one.heard > self._stale_after,
                contested=one.contested(now, self._stale_after),
            )
            for name, one in known
            if now - one.heard < FORGOTTEN and not one.left
        )

    def to_dict(self) -> dict[str, list[Any]]:
        """Plain JSON values."""
        with self._lock:
            return {name: one.to_list() for name, one in self._known.items()}

    def resume(self, saved: dict[str, list[Any]]) -> None:
        """The inverse."""
        with self._lock:
            self._known = {name: Heard(*one) for name, one in saved.items()}
