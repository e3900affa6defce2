"""CloudEvents in each mode, and what is refused."""

import base64

import orjson
import pytest

from inference_events import Posted, agent_headers, inference, structured
from timonel_serving.detector.events import read_events
from timonel_serving.detector.half import Half, Kind, Refusal
from timonel_serving.detector.message import Message
from timonel_serving.log.cloudevents import Inference, Service, events

AT = 1_763_721_900_123_456


def one(headers: dict[str, str], body: bytes = b"{}") -> Half | Refusal:
    (found,) = read_events(headers, body)
    return found


def test_binary_mode_as_the_agent_sends_it() -> None:
    """Id, kind, service, time to the microsecond and the body as it is; the version by annotation."""
    headers = agent_headers("a", "request", "2025-11-21T10:45:00.123456Z")
    headers["ce-annotations"] = '{"timonel/version":"v2"}'
    found = one(headers, b'{"instances":[[1]]}')
    assert found == Half(Kind.REQUEST, "a", "fraud", "v2", AT, b'{"instances":[[1]]}')


def test_our_predictors_events_say_more() -> None:
    """What the predictor's own log writes is read back: version, status, latency, length of the JSON."""
    service = Service("fraud", "default", "http://localhost:8080/", "7")
    sent = Inference("a", AT / 1e6, 0.0125, 422, b"{}..", b"{}", 4, request_json=2)
    request, response = [
        one({n.lower(): v for n, v in headers.items()}, body)
        for headers, body in events(sent, service)
    ]
    assert isinstance(request, Half)
    assert isinstance(response, Half)
    assert (request.kind, request.version, request.json_length) == (Kind.REQUEST, "7", 2)
    assert (response.status, response.latency_ms) == (422, 12.5)


def test_structured_and_batched_mode_say_the_same_as_binary() -> None:
    """The three modes give one and the same event, but for the body that came parsed."""
    posted = inference(1)[1]
    event = structured(posted)
    binary = one(posted.headers, posted.body)
    in_one = one(
        {"content-type": "application/cloudevents+json; charset=utf-8"}, orjson.dumps(event)
    )
    kind = {"content-type": "application/cloudevents-batch+json"}
    in_many = list(read_events(kind, orjson.dumps([event, event])))
    assert isinstance(binary, Half)
    assert isinstance(in_one, Half)
    assert in_many == [in_one, in_one]
    assert in_one.document == orjson.loads(binary.body)
    plain = [(h.kind, h.id, h.model, h.version, h.time, h.status) for h in (binary, in_one)]
    assert plain[0] == plain[1]


def test_base64_data_are_the_bytes() -> None:
    """Structured mode carries binary bodies in data_base64."""
    event = structured(Posted(agent_headers("a", "request"), b"{}"))
    del event["data"]
    event["data_base64"] = base64.b64encode(b"{}\x00\xff").decode()
    found = one({"content-type": "application/cloudevents+json"}, orjson.dumps(event))
    assert isinstance(found, Half)
    assert found.body == b"{}\x00\xff"


def test_an_event_without_a_time_is_taken() -> None:
    """CloudEvents leave the time to the sender."""
    headers = agent_headers("a", "request")
    del headers["ce-time"]
    found = one(headers)
    assert isinstance(found, Half)
    assert found.time is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ce-specversion": "0.2"}, Refusal.SPECVERSION),
        ({"ce-id": ""}, Refusal.ID),
        ({"ce-id": "x" * 300}, Refusal.ID),
        ({"ce-type": "org.example.other"}, Refusal.TYPE),
        ({"ce-time": "yesterday"}, Refusal.TIME),
        ({"ce-time": "9999-01-01T00:00:00Z"}, Refusal.TIME),
        ({"ce-status": "fine"}, Refusal.ATTRIBUTE),
        ({"ce-latencyms": "nan"}, Refusal.ATTRIBUTE),
        ({"ce-latencyms": "-1"}, Refusal.ATTRIBUTE),
        ({"ce-annotations": "{"}, Refusal.ATTRIBUTE),
        ({"ce-inferenceservicename": "x" * 300}, Refusal.ATTRIBUTE),
        ({"inference-header-content-length": "-3"}, Refusal.ATTRIBUTE),
    ],
)
def test_each_fault_has_its_reason(changes: dict[str, str], reason: Refusal) -> None:
    """A malformed attribute refuses the event under a reason of its own."""
    assert one(agent_headers("a", "request") | changes) is reason


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (b"", [Refusal.NO_JSON]),
        (b"[" * 5000, [Refusal.NO_JSON]),
        (b"{}", [Refusal.NO_EVENT]),
        (b"[]", []),
        (b"[1, null, {}]", [Refusal.NO_EVENT] * 3),
        (b'[{"specversion":"1.0"}]', [Refusal.DATA]),
        (b'[{"specversion":"1.0","data":{},"id":7}]', [Refusal.ID]),
        (b'[{"specversion":"1.0","data_base64":"?"}]', [Refusal.DATA]),
        (b'[{"specversion":"1.0","data_base64":7}]', [Refusal.DATA]),
    ],
)
def test_bad_batches_are_refused_event_by_event(body: bytes, reasons: list[Refusal]) -> None:
    """One bad event of a batch costs none of the others."""
    kind = {"content-type": "application/cloudevents-batch+json"}
    assert list(read_events(kind, body)) == reasons


def test_what_is_no_cloudevent_is_said_so() -> None:
    """A plain JSON body has no attributes."""
    assert one({"content-type": "application/json"}) is Refusal.NO_EVENT


def test_a_message_survives_the_spool() -> None:
    """Pack and unpack keep time, headers that matter, and every byte of the body."""
    headers = [(b"ce-id", b"a:b\xe9"), (b"content-type", b"x/y"), (b"authorization", b"secret")]
    message = Message.of(12345, headers, b"\x00\n:body")
    assert message.headers == {"ce-id": "a:b\xe9", "content-type": "x/y"}
    assert Message.unpack(message.pack()) == message
