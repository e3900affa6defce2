"""A verdict as the CloudEvent that Seldon's and KServe's Alibi Detect server sends."""

from dataclasses import asdict

import orjson
import pytest

from timonel.drift.alibi import AlibiReport, AlibiTest
from timonel.errors import BadInput
from timonel_serving.detector.alibi.sink import Sender, VerdictEvent, overrides_of, verdict_events

SAID = {"data": {"is_drift": 1, "p_val": [0.001, 0.4]}, "meta": {"name": "KSDrift"}}
REPORT = asdict(
    AlibiReport("ok", "KSDrift", True, 500, (AlibiTest("x", 0.001, 0.002, 0.3),), response=SAID)
)
SENDER = Sender("io.seldon.serving.inference.drift", "/fraud", "fraud", "bank", {"region": "es"})


def test_body_and_attributes_are_those_of_the_server() -> None:
    """data and meta are the detector's own; ours stands beside them; the attributes are headers."""
    ((headers, body),) = verdict_events(VerdictEvent.of(REPORT, "req-7:3", 1.5), SENDER)
    said = orjson.loads(body)
    assert {key: said[key] for key in SAID} == SAID
    assert said["timonel"]["alarm"] is True
    assert "response" not in said["timonel"]
    assert headers == {
        "Content-Type": "application/json",
        "Ce-Specversion": "1.0",
        "Ce-Id": "req-7:3",
        "Ce-Type": "io.seldon.serving.inference.drift",
        "Ce-Source": "/fraud",
        "Ce-Time": "1970-01-01T00:00:01.500000Z",
        "Ce-Inferenceservicename": "fraud",
        "Ce-Namespace": "bank",
        "Ce-Region": "es",
    }


def test_an_event_without_a_row_to_name_it_has_an_id_of_its_own() -> None:
    """Two of them differ: receivers drop an id that they have seen."""
    first, second = (VerdictEvent.of(REPORT, None, 0) for _ in range(2))
    assert first.id != second.id


def test_knative_adds_attributes_by_the_environment() -> None:
    """SinkBinding's K_CE_OVERRIDES, none if it is not set."""
    text = '{"extensions": {"region": "es", "tier": 1}}'
    assert overrides_of({"K_CE_OVERRIDES": text}) == {"region": "es", "tier": "1"}
    assert overrides_of({}) == {}


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"extensions": {"a": "x\\r\\nhost: evil"}}', '{"extensions": {"a b": "x"}}'],
)
def test_overrides_that_are_none_are_refused(text: str) -> None:
    """What is no JSON object of attributes, or would add a header line, stops the start."""
    with pytest.raises(BadInput, match="K_CE_OVERRIDES"):
        overrides_of({"K_CE_OVERRIDES": text})
