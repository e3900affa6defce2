"""The monitor as a process: what detectors and people send, what it answers."""

import gzip
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from watching import PARCEL, Watching, labelled, parcel_body, rows_body, watching

ARRIVED = "2025-11-14T09:15:00Z"


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    """A monitor that has p0 to p1999, p0 to p999 in rows and the others in a parcel, of two detectors."""
    with watching(tmp_path_factory.mktemp("watch")) as found:
        assert found.send("pod-1", 1000, rows_body(0, 1000)).json() == {"mark": 1000}
        assert found.send("pod-2", 77, parcel_body(1000, 1000), PARCEL).json() == {"mark": 77}
        yield found


def test_deliveries_of_all_detectors_are_added_up(monitor: Watching) -> None:
    """Rows of one and a parcel of another: one model."""
    found = monitor.get("metrics", window="1d")
    assert found["n"] == 2000
    assert found["metrics"]["p50_latency_ms"]["value"] == pytest.approx(23, rel=0.1)
    assert found["metrics"]["accuracy"] == {
        "value": None,
        "lower": None,
        "upper": None,
        "n": 0,
        "state": "no data",
    }


def test_a_delivery_counts_once(monitor: Watching) -> None:
    """Sent again, or an older one: the mark that is on disk is answered, and nothing counted."""
    assert monitor.send("pod-1", 1000, rows_body(0, 1000)).json() == {"mark": 1000}
    assert monitor.send("pod-1", 500, rows_body(0, 500)).json() == {"mark": 1000}
    assert monitor.get("metrics", window="1d")["n"] == 2000
    assert monitor.get("detectors/pod-1") == {"mark": 1000}
    assert monitor.get("detectors/nobody") == {"mark": 0}


def test_a_call_without_a_body_says_that_a_detector_is_there(monitor: Watching) -> None:
    """It is a sign of life: nothing is counted, the mark is answered."""
    assert monitor.send("pod-1", 5000, b"").json() == {"mark": 1000}
    assert {d["name"] for d in monitor.get("detectors")["detectors"]} >= {"pod-1", "pod-2"}


def test_lag_is_told_in_event_time(monitor: Watching) -> None:
    """The wall clocks of two machines need not agree."""
    lags = {d["name"]: d["lag_seconds"] for d in monitor.get("detectors")["detectors"]}
    assert lags["pod-2"] == 0
    assert lags["pod-1"] == 10_000


def test_labels_are_counted_by_what_becomes_of_them(monitor: Watching) -> None:
    """First, repeated, corrected, outdated, contradicted, unknown and unusable ones."""
    one = {"prediction_id": "p1", "actual": 1, "arrived_at": ARRIVED}
    assert monitor.label(one)["applied"] == 1
    assert monitor.label(one)["duplicate"] == 1
    assert (
        monitor.label(one | {"actual": 0, "arrived_at": "2025-11-14T10:00:00Z"})["corrected"] == 1
    )
    assert monitor.label(one | {"arrived_at": "2025-11-14T09:30:00Z"})["outdated"] == 1
    assert monitor.label(one | {"arrived_at": "2025-11-14T10:00:00Z"})["conflicting"] == 1
    assert monitor.label([{"prediction_id": "later", "actual": 1}])["waiting"] == 1
    bad = [
        {"prediction_id": None, "actual": 1},
        {"prediction_id": "p2", "actual": None},
        {"prediction_id": "p2", "actual": "purple"},
        {"prediction_id": "p2", "actual": 1, "arrived_at": "yesterday"},
        {"prediction_id": "p2", "actual": 1, "arrived_at": "2150-01-01"},
        {"prediction_id": "x" * 300, "actual": 1},
        {"prediction_id": "p2", "actual": 1},
    ]
    answer = monitor.label({"labels": bad})
    assert (answer["rows"], answer["applied"]) == (7, 1)
    assert answer["rejected"] == {
        "no prediction_id": 1,
        "no actual": 1,
        "label is none of the model's classes": 1,
        "arrived_at is no time": 1,
        "arrived_at lies in the future": 1,
        "prediction_id longer than 256 characters": 1,
    }


def table(first: int, count: int) -> pa.Table:
    ids = [f"p{i}" for i in range(first, first + count)]
    return pa.table({"prediction_id": ids, "label": [i % 2 for i in range(first, first + count)]})


def test_labels_come_as_csv_and_parquet_too(monitor: Watching) -> None:
    """Plain or by gzip; the answer is the same."""
    known = monitor.get("metrics", window="1d")["n_labelled"]
    sink = io.BytesIO()
    parquet.write_table(table(100, 100), sink)
    text = "\n".join(["prediction_id,actual", *(f"p{i},{i % 2}" for i in range(200, 300))])
    kinds = {"application/vnd.apache.parquet": sink.getvalue(), "text/csv": text.encode()}
    for kind, body in kinds.items():
        for content, headers in ((body, {}), (gzip.compress(body), {"content-encoding": "gzip"})):
            answer = monitor.client.post(
                "/v1/models/fraud/labels",
                content=content,
                headers={"content-type": kind, **headers},
            ).json()
            assert answer["applied" if content is body else "duplicate"] == 100, answer
    assert monitor.get("metrics", window="1d")["n_labelled"] == known + 200


JSON, CSV = {"content-type": "application/json"}, {"content-type": "text/csv"}


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        (JSON, b"[", 400, "bad_input"),
        (JSON, b'{"prediction_id": "a"}', 400, "bad_input"),
        (JSON, b'[{"prediction_id": "a", "actual": 1, "features": 3}]', 400, "bad_input"),
        (JSON, b'[{"prediction_id": ["a"], "actual": 1}]', 400, "bad_input"),
        (CSV, b"a,b\n1,2\n", 400, "bad_input"),
        (CSV, b"prediction_id,actual\n1,2,3\n", 400, "bad_input"),
        (CSV, b"prediction_id,actual,actual\n1,2,3\n", 400, "bad_input"),
        (CSV, b"\xff\xfe\x00", 400, "bad_input"),
        ({"content-type": "application/vnd.apache.parquet"}, b"PAR1", 400, "bad_input"),
        ({"content-type": "text/plain"}, b"a", 415, "unsupported_media_type"),
        ({}, b"{}", 415, "unsupported_media_type"),
        (JSON | {"content-encoding": "br"}, b"{}", 415, "unsupported_media_type"),
        (JSON | {"content-encoding": "gzip"}, b"{}", 400, "malformed"),
        (JSON, b" " * 2_000_000, 413, "too_large"),
        (JSON | {"content-encoding": "gzip"}, gzip.compress(bytes(50_000_000)), 413, "too_large"),
        (
            CSV | {"content-encoding": "gzip"},
            gzip.compress(b"prediction_id,actual\n" + b"1,1\n" * 100_001),
            413,
            "too_large",
        ),
    ],
)
def test_bad_labels_are_refused_whole(
    monitor: Watching, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    """With a problem that names its code; nothing of them is counted."""
    before = monitor.get("metrics", window="1d")["n_labelled"]
    answer = monitor.client.post("/v1/labels", headers=headers, content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:timonel:problem:{code}"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert monitor.get("metrics", window="1d")["n_labelled"] == before


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"no arrow", 400),
        ({"content_type": PARCEL}, b"no parcel", 400),
        ({"x_timonel_mark": "-1"}, b"", 400),
        ({"x_timonel_mark": "many"}, b"", 400),
        ({"x_timonel_detector": "a b"}, b"", 400),
        ({"content_type": "application/json"}, b"{}", 415),
    ],
)
def test_bad_windows_are_refused(
    monitor: Watching, headers: dict[str, str], body: bytes, status: int
) -> None:
    """With a problem; the detector's mark stays."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = monitor.send("pod-bad", 9, body, **named)
    assert answer.status_code == status, answer.text
    assert monitor.get("detectors/pod-bad") == {"mark": 0}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"version": "1'; DROP TABLE labels; --"}, 404, "not_found"),
        ({"slice": "country:ES' OR 1=1"}, 400, "bad_input"),
        ({"slice": "country"}, 400, "bad_input"),
        ({"window": "1d; select 1"}, 400, "bad_input"),
        ({"window": "0min"}, 400, "bad_input"),
        ({"start": "soon"}, 400, "bad_input"),
        ({"step": "1min", "window": "30d"}, 400, "bad_input"),
        ({"step": "0s"}, 400, "bad_input"),
        ({"columns": "*"}, 400, "bad_query"),
        ({"version": "v" * 300}, 400, "bad_query"),
    ],
)
def test_queries_are_read_strictly(
    monitor: Watching, query: dict[str, str], status: int, code: str
) -> None:
    """What is no value of a parameter is refused, whatever is in it."""
    assert monitor.get("metrics", status, **query)["code"] == code


def test_a_series_covers_the_window(monitor: Watching) -> None:
    """Hour by hour, and the sum is the whole."""
    found = monitor.get("metrics", window="6h", step="1h")
    assert found["step_seconds"] == 3600
    points = found["points"]
    assert len(points) == 6
    whole = monitor.get("metrics", window="6h")
    assert sum(point["n"] for point in points) == whole["n"]
    assert points[0]["start"] == whole["start"]
    assert points[-1]["end"] == whole["end"]


@pytest.mark.parametrize("path", ["/v1/models/frod/health", "/v2", "/v1/models/fraud/rows"])
def test_what_is_not_there_is_a_problem(monitor: Watching, path: str) -> None:
    """404, as problem+json."""
    answer = monitor.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_metrics_are_what_prometheus_reads(monitor: Watching) -> None:
    """The figures that were judged last, counters by version, nothing for what is unknown."""
    monitor.judged()
    series = monitor.series()
    rows = labelled(version="1", metric="p50_latency_ms", window="1d")
    assert series["timonel_metric_rows", rows] == 2000
    assert series["timonel_predictions_total", labelled(version="1", status="ok")] == 2000
    assert series["timonel_newest_event_timestamp_seconds", labelled()] == 1_763_078_400 + 19_990
    assert series["timonel_detector_up", labelled(detector="pod-1")] == 1
    states = {dict(labels)["state"] for name, labels in series if name == "timonel_model_state"}
    assert states == {"well", "watch", "degraded", "learning", "no_data", "stale"}
    assert all(value == value for value in series.values())
    assert not [
        1 for name, labels in series if ("metric", "violation_rate") in labels and "0" in name
    ]


def test_a_flood_of_labels_is_held_off(monitor: Watching) -> None:
    """A few are worked on at a time, the others are told when to come again; none is half taken."""
    labels = [{"prediction_id": f"q{i}", "actual": 1} for i in range(10_000)]
    body = json.dumps(labels).encode()

    def post(_: int) -> httpx.Response:
        kind = {"content-type": "application/json"}
        return httpx.post(
            f"{monitor.facts['url']}/v1/labels", content=body, headers=kind, timeout=60
        )

    with ThreadPoolExecutor(48) as threads:
        answers = list(threads.map(post, range(48)))
    refused = [one for one in answers if one.status_code == 503]
    assert refused
    assert {one.json()["code"] for one in refused} == {"overloaded"}
    assert {one.headers["retry-after"] for one in refused} == {"1"}
    taken = [one.json() for one in answers if one.status_code == 200]
    assert len(taken) + len(refused) == 48
    assert {one["waiting"] for one in taken} == {10_000}
    assert monitor.get("health")["state"]


def test_every_route_is_described_with_an_example(monitor: Watching) -> None:
    """OpenAPI names each route, its answer and its refusals."""
    described: dict[str, Any] = monitor.client.get("/openapi.json").json()
    schemas = described["components"]["schemas"]
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            content = operation["responses"]["200"].get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            named = [schema, *schema.get("anyOf", ())]
            refs = [one["$ref"].rpartition("/")[2] for one in named if "$ref" in one]
            assert path == "/metrics" or refs, path
            assert all("example" in schemas[ref] for ref in refs), path
            assert "422" not in operation["responses"], path
