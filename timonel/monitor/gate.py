"""A guard against detectors whose clocks run ahead: one parcel from the future must not age all windows."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from timonel.monitor.parcel import Parcel

LEAST_CONFIRMING = 2
"""Parcels beyond a jump that confirm it, if they outweigh what is on time."""
OUTWEIGHING = 2
"""They must hold so many times the rows that came on time since the first of them."""
MOST_HELD = 32


class Gate:
    """Says which parcels are believed, by their times and the order in which they come.

    A parcel that begins more than `max_ahead` microseconds after the newest time believed is held back until
    time has come that far, or others confirm it: traffic that was away and is back is believed at its second
    parcel; a detector that runs ahead is not while the others see a third of the traffic. The first parcel
    of all is taken at its word.
    """

    def __init__(self, max_ahead: int) -> None:
        self._max_ahead = max_ahead
        self.held: deque[tuple[int, Parcel]] = deque()
        """Parcels in the order in which they came, each with the rows that had come on time until then."""
        self.on_time = 0
        """Rows that came on time."""
        self.given_up = 0
        """Rows of parcels that were held back for too long."""

    @property
    def rows(self) -> int:
        """Predictions that are held back."""
        return sum(parcel.rows for _, parcel in self.held)

    def admit(self, parcel: Parcel, newest: int) -> list[Parcel]:
        """Take a parcel; those that are believed now, the earliest first. `newest` is -1 at the start."""
        if newest < 0 or parcel.oldest <= newest + self._max_ahead:
            self.on_time += parcel.rows
            return [parcel, *self.reached(max(newest, parcel.newest))]
        self.held.append((self.on_time, parcel))
        if self._confirmed():
            return self.reached(min(one.oldest for _, one in self.held))
        if len(self.held) > MOST_HELD:
            self.given_up += self.held.popleft()[1].rows
        return []

    def reached(self, newest: int) -> list[Parcel]:
        """Those that are believed once time has come so far."""
        found: list[Parcel] = []
        for entry in sorted(self.held, key=lambda entry: entry[1].oldest):
            if entry[1].oldest > newest + self._max_ahead:
                break
            self.held.remove(entry)
            found.append(entry[1])
            newest = max(newest, entry[1].newest)
        return found

    def to_dict(self) -> dict[str, Any]:
        """All but the parcels, as plain JSON values."""
        marks = [mark for mark, _ in self.held]
        return {"on_time": self.on_time, "given_up": self.given_up, "marks": marks}

    def parcels(self) -> list[bytes]:
        """The parcels that are held back."""
        return [parcel.to_bytes() for _, parcel in self.held]

    def resume(self, saved: Mapping[str, Any], parcels: Sequence[Parcel]) -> None:
        """Go on as the gate that was saved."""
        self.on_time, self.given_up = saved["on_time"], saved["given_up"]
        self.held.extend(zip(saved["marks"], parcels, strict=True))

    def _confirmed(self) -> bool:
        since = self.on_time - self.held[0][0]
        return len(self.held) >= LEAST_CONFIRMING and self.rows > OUTWEIGHING * since
