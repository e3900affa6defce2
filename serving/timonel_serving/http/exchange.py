"""What is known of one HTTP request before its body is read, and how its answer is sent."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

from timonel_serving.http.identity import request_id
from timonel_serving.problems import Malformed, UnsupportedMedia

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# what curl and browsers call a body nobody named; KServe fails on them
_LENIENT = (b"", b"application/x-www-form-urlencoded", b"application/octet-stream", b"text/plain")
_JSON = b"application/json"


@dataclass(slots=True)
class Exchange:
    """One inference request over HTTP."""

    protocol: Literal["v1", "v2"]
    headers: dict[bytes, bytes]
    id: str
    body: bytes = b""
    """Filled once it is read."""

    @classmethod
    def of(cls, protocol: Literal["v1", "v2"], scope: Scope) -> "Exchange":
        """Read the request's headers."""
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id")
        return cls(protocol, headers, request_id(given.decode("latin-1") if given else None))

    @property
    def content_type(self) -> bytes:
        """The media type without its parameters, in lower case."""
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()

    def check_media(self) -> None:
        """Refuse bodies that cannot be meant as JSON or tensors."""
        kind = self.headers.get(b"content-type", b"")
        if kind != _JSON:
            kind = self.content_type
            if kind not in _LENIENT and not kind.endswith((b"/json", b"+json")):
                raise UnsupportedMedia(
                    f"the content type is {kind.decode('latin-1')[:60]!r}: expected application/json",
                    fix="send application/json, or application/octet-stream with binary tensors",
                )
        if self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise UnsupportedMedia("the body is compressed: send it as it is")

    @property
    def announced(self) -> int | None:
        """The length of the body, where the caller says it."""
        value = self.headers.get(b"content-length")
        return int(value) if value is not None and value.isdigit() else None

    @property
    def json_length(self) -> int | None:
        """The length of the JSON part, where binary tensors follow it."""
        value = self.headers.get(b"inference-header-content-length")
        if value is None:
            return None
        if not value.isdigit() or len(value) > 12:
            raise Malformed("inference-header-content-length is not a whole number of bytes")
        return int(value)
