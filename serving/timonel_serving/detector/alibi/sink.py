"""Verdicts as CloudEvents, as the Alibi Detect server of Seldon and KServe sends them.

Binary mode: the attributes are headers; the body is what the detector's `predict` said, `data` and `meta`.
Beyond that server's body it has `timonel`: our own reading of the same answer.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from timonel.errors import BadInput

OVERRIDES = "K_CE_OVERRIDES"
"""The environment's variable in which Knative's SinkBinding gives attributes to add."""


@dataclass(frozen=True)
class Sender:
    """Who sends the events."""

    type: str
    source: str
    service: str
    namespace: str
    overrides: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VerdictEvent:
    """One verdict on its way."""

    id: str
    at: float
    """Seconds since the epoch."""
    body: bytes

    @classmethod
    def of(cls, report: Mapping[str, Any], identity: str | None, at: float) -> "VerdictEvent":
        """The event of a report in which the detector answered; `identity` is the window's last row's."""
        ours = {key: value for key, value in report.items() if key != "response"}
        body = orjson.dumps({**report["response"], "timonel": ours})
        return cls(identity or uuid.uuid4().hex, at, body)

    @property
    def size(self) -> int:
        """Bytes that it holds in memory, about."""
        return len(self.body)


def verdict_events(event: VerdictEvent, sender: Sender) -> Iterator[tuple[dict[str, str], bytes]]:
    """Headers and body."""
    at = datetime.fromtimestamp(event.at, UTC)
    headers = {
        "Content-Type": "application/json",
        "Ce-Specversion": "1.0",
        "Ce-Id": event.id,
        "Ce-Type": sender.type,
        "Ce-Source": sender.source,
        "Ce-Time": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "Ce-Inferenceservicename": sender.service,
        "Ce-Namespace": sender.namespace,
    }
    yield (
        {**headers, **{f"Ce-{key.title()}": text for key, text in sender.overrides.items()}},
        event.body,
    )


def overrides_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The attributes that the environment asks to add."""
    text = environment.get(OVERRIDES)
    if not text:
        return {}
    try:
        found = orjson.loads(text).get("extensions") or {}
        pairs = {str(key): str(value) for key, value in found.items()}
    except (orjson.JSONDecodeError, AttributeError):
        raise BadInput(f'{OVERRIDES} is {text!r}: expected {{"extensions": {{...}}}}') from None
    for key, value in pairs.items():
        if not (key.isascii() and key.isalnum() and value.isascii() and value.isprintable()):
            raise BadInput(f"{OVERRIDES}: {key!r} with {value!r} is no attribute of a CloudEvent")
    return pairs
