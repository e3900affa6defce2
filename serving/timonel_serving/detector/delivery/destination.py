"""Where rows go, behind one protocol."""

from collections.abc import Callable
from typing import Protocol

from timonel_serving.detector.delivery.piece import Piece

Attempt = Callable[[], bool]
"""Delivers once, and may be repeated: what has arrived is not counted again. False: it was there already."""


class Destination(Protocol):
    """One who takes rows, and knows how far it has come."""

    @property
    def name(self) -> str:
        """For metrics and logs."""

    @property
    def address(self) -> str:
        """Where it is, for people."""

    def mark(self) -> int:
        """The position up to which everything is safely there; 0: nothing is."""

    def pack(self, piece: Piece) -> Attempt:
        """Rows made ready; asked once for each, in order, before anything is sent.

        An attempt raises `Unavailable`, `Busy` or `Denied` if it should be repeated, and any other
        `TimonelError` if that would not help.
        """

    def greet(self) -> None:
        """Say that this detector is there though nothing happens; may raise a `TimonelError`."""

    def leave(self) -> None:
        """Say that it stops, with all delivered: silence means nothing now; may raise a `TimonelError`."""
