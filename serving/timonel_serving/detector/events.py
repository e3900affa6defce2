"""CloudEvents 1.0 over HTTP, in binary, structured and batched mode, as halves of inferences.

The attributes are those of KServe's agent and, beyond them, `modelversion`, `latencyms` and `status`,
which Timonel's predictor adds. https://github.com/cloudevents/spec, HTTP protocol binding 1.0.2.
"""

import base64
import binascii
import math
from collections.abc import Iterator, Mapping

import orjson

from timonel.monitor.times import micros
from timonel_serving.detector.half import Half, Kind, Refusal

_KINDS = {
    "org.kubeflow.serving.inference.request": Kind.REQUEST,
    "org.kubeflow.serving.inference.response": Kind.RESPONSE,
}
_LONGEST = 256
"""Characters of an id, a service's name or a version."""
_STRUCTURED = "application/cloudevents+json"
_BATCHED = "application/cloudevents-batch+json"
_VERSION = "timonel/version"
_HEADER = "inference-header-content-length"

Attributes = Mapping[str, object]


def read_events(headers: Mapping[str, str], body: bytes) -> Iterator[Half | Refusal]:
    """The events of an HTTP message, in order; header names in lower case. Nothing raises.

    A message that is no CloudEvent at all is one refusal.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (_STRUCTURED, _BATCHED):
        yield _of_headers(headers, body)
        return
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        yield Refusal.NO_JSON
        return
    if kind == _STRUCTURED:
        yield _of_json(found)
    elif not isinstance(found, list):
        yield Refusal.NO_EVENT
    else:
        yield from map(_of_json, found)


def _of_headers(headers: Mapping[str, str], body: bytes) -> Half | Refusal:
    if "ce-specversion" not in headers:
        return Refusal.NO_EVENT
    attributes = {name[3:]: value for name, value in headers.items() if name.startswith("ce-")}
    if _HEADER in headers:
        attributes[_HEADER] = headers[_HEADER]
    return _half(attributes, body, None)


def _of_json(event: object) -> Half | Refusal:
    if not isinstance(event, dict) or "specversion" not in event:
        return Refusal.NO_EVENT
    if "data_base64" in event:
        try:
            body = base64.b64decode(event["data_base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            return Refusal.DATA
        return _half(event, body, None)
    data = event.get("data")
    if isinstance(data, str):
        return _half(event, data.encode("utf-8", "replace"), None)
    return Refusal.DATA if data is None else _half(event, b"", data)


def _half(event: Attributes, body: bytes, document: object) -> Half | Refusal:
    identity, model = event.get("id"), event.get("inferenceservicename") or ""
    said, when = event.get("time"), None
    if event["specversion"] != "1.0":
        return Refusal.SPECVERSION
    if not isinstance(identity, str) or not 0 < len(identity) <= _LONGEST:
        return Refusal.ID
    kind = _KINDS.get(str(event.get("type")))
    if kind is None:
        return Refusal.TYPE
    if said is not None and (when := micros(said)) < 0:
        return Refusal.TIME
    try:
        json_length, status = _whole(event.get(_HEADER)), _whole(event.get("status"))
        latency, version = _number(event.get("latencyms")), _version(event)
    except (ValueError, TypeError, OverflowError):
        return Refusal.ATTRIBUTE
    if not isinstance(model, str) or max(len(model), len(version)) > _LONGEST:
        return Refusal.ATTRIBUTE
    return Half(kind, identity, model, version, when, body, document, json_length, status, latency)


def _version(event: Attributes) -> str:
    """The predictor's attribute, else the annotation that KServe's agent was told to send."""
    version = event.get("modelversion")
    annotations = event.get("annotations")
    if version is None and annotations:
        found = orjson.loads(annotations) if isinstance(annotations, str) else annotations
        version = found.get(_VERSION) if isinstance(found, dict) else None
    return "" if version is None else str(version)


def _whole(value: object) -> int | None:
    """A count that a header or a JSON number says; raises ValueError for what is none."""
    if value is None or value == "":
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise ValueError(text)
    return int(text)


def _number(value: object) -> float | None:
    if value is None or value == "":
        return None
    found = float(str(value))
    if not math.isfinite(found) or found < 0:
        raise ValueError(value)
    return found
