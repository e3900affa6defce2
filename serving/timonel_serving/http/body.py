"""Reads a request's body within its bounds of size and time."""

import asyncio

from timonel_serving.http.exchange import Receive
from timonel_serving.problems import Slow, TooLarge

_PATIENCE = 30.0
SERVING = "serving.max_body_mb"


class Disconnected(Exception):
    """The caller has gone."""


async def read_body(receive: Receive, limit: int, setting: str = SERVING) -> bytes:
    """The whole body; raises `TooLarge` beyond `limit` bytes, `Slow` when it does not come."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await _collect(receive, limit, setting)
    except TimeoutError:
        raise Slow(f"the body did not arrive within {_PATIENCE:g} seconds") from None


def check_size(size: int, limit: int, setting: str = SERVING) -> None:
    """Refuse a body of more than `limit` bytes, which a setting says."""
    if size > limit:
        raise TooLarge(
            f"the body has {size / 2**20:.1f} MB, at most {limit / 2**20:g} MB are read",
            fix=f"send less at once, or raise {setting}",
        )


async def _collect(receive: Receive, limit: int, setting: str) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        check_size(size, limit, setting)
        if not message.get("more_body"):
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)
