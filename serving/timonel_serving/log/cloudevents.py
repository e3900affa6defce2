"""An inference as the two CloudEvents that KServe's agent sends, with what the agent leaves out.

Binary mode: the attributes are headers, the body is the request's or the response's own. Beyond the
agent's attributes the response bears `modelversion`, `latencyms` and `status`, and failed inferences
are events too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

_TYPE = "org.kubeflow.serving.inference."


@dataclass(frozen=True)
class Service:
    """Who sends the events."""

    name: str
    namespace: str
    source: str
    version: str


@dataclass(frozen=True)
class Inference:
    """One request with what was answered."""

    id: str
    received: float
    """Seconds since the epoch."""
    seconds: float
    """How long the answer took."""
    status: int
    """HTTP status of the answer."""
    request: bytes | Callable[[], bytes]
    response: bytes | Callable[[], bytes]
    size: int
    """Bytes that it holds in memory, about."""
    content_type: str = "application/json"
    request_json: int | None = None
    """Length of the JSON part of a request with binary tensors."""
    response_json: int | None = None
    """Likewise of the response."""


def events(inference: Inference, service: Service) -> Iterator[tuple[dict[str, str], bytes]]:
    """The headers and the body of each event."""
    at = datetime.fromtimestamp(inference.received, UTC)
    common = {
        "Content-Type": inference.content_type,
        "Ce-Specversion": "1.0",
        "Ce-Id": inference.id,
        "Ce-Source": service.source,
        "Ce-Time": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "Ce-Inferenceservicename": service.name,
        "Ce-Namespace": service.namespace,
        "Ce-Component": "predictor",
        "Ce-Endpoint": "",
        "Ce-Metadata": orjson.dumps({"X-Request-Id": [inference.id]}).decode(),
        "Ce-Modelversion": service.version,
    }
    request = {**common, "Ce-Type": _TYPE + "request", **_length(inference.request_json)}
    yield request, _bytes(inference.request)
    outcome = {
        "Ce-Type": _TYPE + "response",
        "Ce-Latencyms": f"{inference.seconds * 1000:.3f}",
        "Ce-Status": str(inference.status),
    }
    yield {**common, **outcome, **_length(inference.response_json)}, _bytes(inference.response)


def _length(json_length: int | None) -> dict[str, str]:
    return {} if json_length is None else {"Inference-Header-Content-Length": str(json_length)}


def _bytes(body: bytes | Callable[[], bytes]) -> bytes:
    return body if isinstance(body, bytes) else body()
