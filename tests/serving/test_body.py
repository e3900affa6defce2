"""A request's body is read within bounds of size and of time."""

import asyncio
from typing import Any

import pytest

from timonel_serving.http import body
from timonel_serving.problems import Slow, TooLarge


class Caller:
    """Sends the given pieces, then nothing more, or leaves."""

    def __init__(self, *pieces: bytes, ends: bool = False, leaves: bool = False) -> None:
        self._pieces, self._ends, self._leaves = list(pieces), ends, leaves

    async def receive(self) -> dict[str, Any]:
        """The ASGI interface."""
        if self._pieces:
            piece = self._pieces.pop(0)
            more = bool(self._pieces) or not self._ends
            return {"type": "http.request", "body": piece, "more_body": more}
        if self._leaves:
            return {"type": "http.disconnect"}
        await asyncio.sleep(10)
        raise AssertionError("it was waited for")


def read(caller: Caller, limit: int = 100) -> bytes:
    """The body that a caller sends."""
    return asyncio.run(body.read_body(caller.receive, limit))


def test_pieces_make_a_whole() -> None:
    """A body in one piece or in several is the same body."""
    assert read(Caller(b"abc", ends=True)) == read(Caller(b"a", b"b", b"c", ends=True)) == b"abc"


def test_size_counts_as_it_comes() -> None:
    """Reading ends with the piece that passes the limit, whatever length was announced."""
    with pytest.raises(TooLarge):
        read(Caller(b"x" * 60, b"x" * 60))


def test_a_caller_who_leaves_is_noticed() -> None:
    """A connection that closes in the middle ends the reading."""
    with pytest.raises(body.Disconnected):
        read(Caller(b"x", leaves=True))


@pytest.mark.parametrize("pieces", [(), (b"{",)])
def test_a_body_that_does_not_come_is_given_up(
    monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...]
) -> None:
    """A caller who sends nothing, or stops in the middle, is refused after a while."""
    monkeypatch.setattr(body, "_PATIENCE", 0.05)
    with pytest.raises(Slow, match="did not arrive"):
        read(Caller(*pieces))
