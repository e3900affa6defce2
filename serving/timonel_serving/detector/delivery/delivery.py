"""The thread that brings rows to one destination, however long that one does not answer."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from timonel.errors import Busy, Corrupt, Denied, TimonelError, Unavailable
from timonel_serving.detector.delivery.destination import Attempt, Destination
from timonel_serving.detector.delivery.outbox import Outbox, Pace
from timonel_serving.detector.delivery.piece import Piece, joined
from timonel_serving.detector.failure import told

_log = logging.getLogger("timonel.serving")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
"""Seconds between attempts: doubled each time, and shortened by chance to one half at most."""
_SILENCE = 30.0
"""Seconds without rows after which a destination is told that this detector still lives."""
_LAST_CALL = 10.0
"""Seconds that a stop waits for what is under way; the rest stays in the spool."""
_PASSING = (Unavailable, Busy, Denied, Corrupt)
"""What time or a person mends, a damaged table included: until then rows are held, not lost."""


@dataclass
class Standing:
    """What has become of rows so far."""

    delivered: int = 0
    known: int = 0
    """Skipped: they had arrived before a restart."""
    refused: int = 0
    """Given up: the destination will never take them."""
    retries: int = 0
    stalled: float = 0.0
    """Seconds from the first failed attempt to the one that succeeded."""
    failing_since: float | None = None

    @property
    def stalled_seconds(self) -> float:
        """As `stalled`, up to now."""
        since = self.failing_since
        return self.stalled + (0.0 if since is None else time.monotonic() - since)


class Delivery:
    """From an outbox to a destination, in order, each piece once."""

    def __init__(self, destination: Destination, pace: Pace) -> None:
        self.destination, self.outbox, self.standing = destination, Outbox(pace), Standing()
        self.mark: int | None = None
        """The position up to which everything is there; None until the destination has said it."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"delivery-{destination.name}", daemon=True
        )

    def start(self) -> None:
        """Start delivering."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Deliver what waits if the destination answers at once; the rest stays in the spool."""
        self._stopping.set()
        self.outbox.close()
        if self._thread.is_alive():
            self._thread.join(_LAST_CALL)

    def _run(self) -> None:
        if not self._repeat(self._ask):
            return
        while not self.outbox.over:
            pieces = self.outbox.next(_SILENCE)
            if not pieces:
                self._greet()
            elif not self._deliver(joined(pieces)):
                return
            else:
                self.mark = max(self.mark or 0, pieces[-1].mark)
                self.outbox.remove(len(pieces))
        self._tell(self.destination.leave)

    def _ask(self) -> bool:
        try:
            self.mark = self.destination.mark()
        except _PASSING:
            raise
        except Exception as error:
            raise Unavailable(f"how far it has come cannot be read: {told(error)}") from error
        return True

    def _greet(self) -> None:
        if not self._stopping.is_set():
            self._tell(self.destination.greet)

    def _tell(self, word: Callable[[], None]) -> None:
        try:
            word()
        except TimonelError as error:
            _log.info("the %s does not answer: %s", self.destination.name, error)

    def _deliver(self, piece: Piece) -> bool:
        """Whether the piece is done with; False: a stop came before."""
        new = piece.after(self.mark or 0)
        self.standing.known += piece.rows - new.rows
        if not new.rows:
            return True
        try:
            attempt = self.destination.pack(new)
            done = self._repeat(attempt, new.rows)
        except Exception as error:
            self._refuse(new, error)
            return True
        return done

    def _repeat(self, attempt: Attempt, rows: int = 0) -> bool:
        """Try until it succeeds; False if a stop comes before. Raises what no repetition mends."""
        pause = _FIRST_PAUSE
        while True:
            try:
                fresh = attempt()
            except _PASSING as error:
                self._fail(error)
            else:
                self._succeed(rows, fresh)
                return True
            if self._stopping.wait(pause * random.uniform(0.5, 1)):  # noqa: S311  no secret
                return False
            self.standing.retries += 1
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _fail(self, error: TimonelError) -> None:
        if self.standing.failing_since is None:
            self.standing.failing_since = time.monotonic()
            _log.warning("the %s takes nothing for now: %s", self.destination.name, error)

    def _succeed(self, rows: int, fresh: bool) -> None:
        standing, since = self.standing, self.standing.failing_since
        if since is not None:
            standing.stalled, standing.failing_since = standing.stalled_seconds, None
            _log.warning("the %s answers again", self.destination.name)
        elif not fresh:
            standing.refused += rows
            _log.error(
                "%d rows were not taken by the %s: it has others under this detector's name."
                " Two detectors must not have one name: see monitoring.detector.name",
                rows,
                self.destination.name,
            )
            return
        standing.delivered += rows

    def _refuse(self, piece: Piece, error: Exception) -> None:
        self.standing.refused += piece.rows
        why = str(error) if isinstance(error, TimonelError) else told(error)
        _log.error(
            "%d rows were refused by the %s for good: %s", piece.rows, self.destination.name, why
        )
