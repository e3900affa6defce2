"""One half of an inference, as a CloudEvent brings it; and why an event may be refused."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Kind(Enum):
    """Which half it is; the value is a bit, so that both make 3."""

    REQUEST = 1
    RESPONSE = 2


class Refusal(StrEnum):
    """Why an event cannot be taken."""

    NO_EVENT = "not_a_cloudevent"
    NO_JSON = "envelope_is_no_json"
    SPECVERSION = "unknown_specversion"
    ID = "bad_id"
    TYPE = "unknown_type"
    TIME = "bad_time"
    DATA = "bad_data"
    ATTRIBUTE = "bad_attribute"
    SERVICE = "other_service"


@dataclass(frozen=True, slots=True)
class Half:
    """The request or the response of an inference."""

    kind: Kind
    id: str
    model: str
    """The inference service; "" where it is not said."""
    version: str
    """"" where it is not said."""
    time: int | None
    """Microseconds since 1970 UTC; None where it is not said."""
    body: bytes
    """As it was sent; empty where `document` has it."""
    document: object = None
    """The body as parsed JSON, of events that carry it so."""
    json_length: int | None = None
    """Length of the body's JSON part, where it is said and binary tensors follow."""
    status: int | None = None
    """HTTP status of the answer."""
    latency_ms: float | None = None

    @property
    def size(self) -> int:
        """Bytes that it holds in memory, about; parsed JSON counts a guess."""
        return 400 + (len(self.body) if self.document is None else PARSED)


PARSED = 8_000
"""Bytes that a parsed body of usual length takes."""
