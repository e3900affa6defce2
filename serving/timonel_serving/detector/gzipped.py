"""Compressed bodies, unpacked within a bound."""

import zlib

from timonel_serving.problems import Malformed, TooLarge

MAX_BODY = "monitoring.detector.max_body_mb"
_GZIP = 16 + zlib.MAX_WBITS


def gunzip(body: bytes, limit: int, setting: str = MAX_BODY) -> bytes:
    """The content of a gzip body; raises `TooLarge` once it passes `limit` bytes, `Malformed` for none."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        content = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise Malformed(f"the body is not gzip: {error}") from None
    if len(content) > limit:
        raise TooLarge(
            f"the body unpacks to more than {limit / 2**20:g} MB",
            fix=f"send less at once, or raise {setting}",
        )
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed("the body is not one whole gzip stream")
    return content
