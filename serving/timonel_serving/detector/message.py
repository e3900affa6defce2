"""An HTTP message with events, as the spool keeps it: when it came, its headers, its body."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from timonel_serving.detector.events import read_events
from timonel_serving.detector.half import Half, Refusal

_FIXED = struct.Struct("<qI")
_KEPT = (b"content-type", b"inference-header-content-length")


@dataclass(frozen=True, slots=True)
class Message:
    """What came in one POST."""

    received: int
    """Microseconds since 1970 UTC, by the clock of the detector."""
    headers: dict[str, str]
    """Those that matter, names in lower case."""
    body: bytes
    """Not compressed."""

    @classmethod
    def of(cls, received: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> "Message":
        """A message with its ASGI headers."""
        kept = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in headers
            if name.startswith(b"ce-") or name in _KEPT
        }
        return cls(received, kept, body)

    def events(self) -> list[Half | Refusal]:
        """Its events, and why some of them cannot be taken."""
        return list(read_events(self.headers, self.body))

    def pack(self) -> bytes:
        """As bytes; HTTP lets no header have a line break in it."""
        head = "\n".join(f"{name}:{value}" for name, value in self.headers.items())
        raw = head.encode("latin-1")
        return b"".join((_FIXED.pack(self.received, len(raw)), raw, self.body))

    @classmethod
    def unpack(cls, payload: bytes) -> "Message":
        """The inverse of `pack`."""
        received, length = _FIXED.unpack_from(payload)
        at = _FIXED.size + length
        head = payload[_FIXED.size : at].decode("latin-1")
        pairs = (line.partition(":") for line in head.split("\n") if line)
        return cls(received, {name: value for name, _, value in pairs}, payload[at:])
