"""Reads a request's body within its bounds of size and time."""

import asyncio

from timonel_serving.exchange import Receive
from timonel_serving.problems import Slow, TooLarge

_PATIENCE = 30.0


class Disconnected(Exception):
    """The caller has gone."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body; raises `TooLarge` beyond `limit` bytes, `Slow` when it does not come."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        check_size(len(body), limit)
        return body
    try:
        async with asyncio.timeout(_PATIENCE):
            return await _collect(message, receive, limit)
    except TimeoutError:
        raise Slow(f"the body did not arrive within {_PATIENCE:g} seconds") from None


def check_size(size: int, limit: int) -> None:
    """Refuse a body of more than `limit` bytes."""
    if size > limit:
        raise TooLarge(
            f"the body has {size / 2**20:.1f} MB, at most {limit / 2**20:g} MB are read",
            fix="send fewer rows at once, or raise serving.max_body_mb",
        )


async def _collect(message: object, receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    current = message
    while True:
        assert isinstance(current, dict)
        if current["type"] == "http.disconnect":
            raise Disconnected
        chunks.append(current.get("body", b""))
        size += len(chunks[-1])
        check_size(size, limit)
        if not current.get("more_body"):
            return b"".join(chunks)
        current = await receive()
