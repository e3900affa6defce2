"""The HTTP interface: what is answered, what is refused and under which reason."""

import asyncio
import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from inference_events import Headers, Posted, agent_headers, inference, structured
from timonel.config.watching import Detector
from timonel.monitor.config import MonitorConfig
from timonel.terms import Task
from timonel_serving.detector.app import DetectorApp
from timonel_serving.detector.half import Refusal
from timonel_serving.detector.process import Detection, put_together
from timonel_serving.detector.tally import Fold, Intake, Outcome

BATCH = {"content-type": "application/cloudevents-batch+json"}
SMALL = Detector(port=0, max_body_mb=0.1, spool_mb=1, services=("fraud",))


@contextmanager
def detector(folder: Path, settings: Detector = SMALL) -> Iterator[Detection]:
    """A detector that folds, without a network."""
    found = put_together(settings, MonitorConfig(task=Task.BINARY), None, folder)
    found.folding.start()
    try:
        yield found
        while found.spool.unread:
            time.sleep(0.01)
    finally:
        found.folding.stop()
        found.spool.close()


def call(found: Detection, *messages: tuple[Headers, bytes]) -> list[httpx.Response]:
    """The answers to messages posted at the same time."""

    async def post_all() -> list[httpx.Response]:
        transport = httpx.ASGITransport(DetectorApp(found.door))
        async with httpx.AsyncClient(transport=transport, base_url="http://detector") as client:
            posts = [client.post("/", headers=headers, content=body) for headers, body in messages]
            return await asyncio.gather(*posts)

    return asyncio.run(post_all())


def get(found: Detection, path: str) -> httpx.Response:
    async def get_one() -> httpx.Response:
        transport = httpx.ASGITransport(DetectorApp(found.door))
        async with httpx.AsyncClient(transport=transport, base_url="http://detector") as client:
            return await client.get(path)

    return asyncio.run(get_one())


def message(posted: Posted) -> tuple[Headers, bytes]:
    return posted.headers, posted.body


def counted(found: Detection) -> dict[str, int]:
    tally = found.tally
    kinds = tally.of(Intake) | tally.of(Refusal) | tally.of(Outcome) | tally.of(Fold)
    return {name: count for name, count in kinds.items() if count}


def test_events_are_answered_200_and_folded(tmp_path: Path) -> None:
    """One by one, gzipped and in a batch: the windows have them once they are stopped."""
    with detector(tmp_path) as found:
        a, b, c = inference(1), inference(2), inference(3)
        batch = orjson.dumps([structured(b[0]), structured(b[1])])
        zipped = [(p.headers | {"content-encoding": "gzip"}, gzip.compress(p.body)) for p in c]
        answers = call(found, message(a[1]), message(a[0]), (BATCH, batch), *zipped)
        assert [one.status_code for one in answers] == [200] * 5
        assert {one.content for one in answers} == {b"{}"}
    metrics = found.monitor.calculate_metrics("1d")
    assert metrics.n == 3
    assert counted(found) == {"taken": 6, "joined": 6, "folded": 3}


def test_a_durable_answer_waits_for_the_disk(tmp_path: Path) -> None:
    """What was answered is synced: many at once share it."""
    settings = SMALL.model_copy(update={"durable": True})
    with detector(tmp_path, settings) as found:
        pairs = [message(p) for i in range(50) for p in inference(i)]
        assert {one.status_code for one in call(found, *pairs)} == {200}
        assert found.spool.sync() == found.spool.end
    assert counted(found)["folded"] == 50


@pytest.mark.parametrize(
    ("headers", "body", "status", "reasons"),
    [
        ({"content-type": "application/json"}, b"{}", 400, {"refused", "not_a_cloudevent"}),
        (agent_headers("", "request"), b"{}", 400, {"refused", "bad_id"}),
        (BATCH, b"[", 400, {"refused", "envelope_is_no_json"}),
        (BATCH, b"[1, 2]", 400, {"refused", "not_a_cloudevent"}),
        (agent_headers("a", "request"), bytes(110_000), 413, {"too_large"}),
        (agent_headers("a", "request") | {"content-encoding": "br"}, b"{}", 415, {"bad_body"}),
        (agent_headers("a", "request") | {"content-encoding": "gzip"}, b"{}", 400, {"bad_body"}),
        (
            agent_headers("a", "request") | {"content-encoding": "gzip"},
            gzip.compress(b"{}")[:-4],
            400,
            {"bad_body"},
        ),
        (
            agent_headers("a", "request") | {"content-encoding": "gzip"},
            gzip.compress(bytes(50_000_000)),
            413,
            {"too_large"},
        ),
    ],
)
def test_bad_messages_are_refused_and_counted(
    tmp_path: Path, headers: Headers, body: bytes, status: int, reasons: set[str]
) -> None:
    """Each under its reason, with an answer that says why; nothing of it is spooled."""
    with detector(tmp_path) as found:
        (answer,) = call(found, (headers, body))
        assert answer.status_code == status
        assert answer.json()["error"]
        assert found.spool.size == 0
    assert set(counted(found)) == reasons


def test_good_events_of_a_batch_are_taken_beside_bad_ones(tmp_path: Path) -> None:
    """The answer says how many; the bad ones are counted once, though the batch is read twice."""
    with detector(tmp_path) as found:
        batch = orjson.dumps([structured(p) for p in inference(1)] + [{"specversion": "1.0"}, 3])
        (answer,) = call(found, (BATCH, batch))
        assert (answer.status_code, answer.json()) == (200, {"taken": 2, "refused": 2})
    expected = {"taken": 2, "bad_data": 1, "not_a_cloudevent": 1, "joined": 2, "folded": 1}
    assert counted(found) == expected


def test_an_empty_batch_is_no_fault(tmp_path: Path) -> None:
    """CloudEvents allows it."""
    with detector(tmp_path) as found:
        assert call(found, (BATCH, b"[]"))[0].status_code == 200
        assert found.spool.size == 0


def test_events_of_other_services_are_counted_and_left_out(tmp_path: Path) -> None:
    """A detector may be told whose events it takes."""
    with detector(tmp_path) as found:
        other = [(p.headers | {"ce-inferenceservicename": "other"}, p.body) for p in inference(1)]
        call(found, *other)
    assert counted(found) == {"taken": 2, "other_service": 2}


def test_inferences_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    """The events were fine, their bodies are not: told apart by half, the others unharmed."""
    with detector(tmp_path) as found:
        good, bad, worse = inference(1), inference(2), inference(3)
        call(found, message(good[0]), message(good[1]))
        call(found, (bad[0].headers, b"GET"), message(bad[1]))
        call(found, message(worse[0]), (worse[1].headers, b"{}"))
    reasons = {"folded": 1, "request_unreadable": 1, "response_unreadable": 1}
    assert counted(found) == {"taken": 6, "joined": 6} | reasons


def test_metrics_have_a_bounded_number_of_series(tmp_path: Path) -> None:
    """Whatever is sent, no label takes a value from outside."""
    with detector(tmp_path) as found:
        before = get(found, "/metrics").text
        strange = [(agent_headers(f"{i}", f"kind{i}"), b"{}") for i in range(50)]
        call(found, *strange, *[message(p) for i in range(50) for p in inference(i)])
        after = get(found, "/metrics")
    assert after.headers["content-type"].startswith("text/plain")

    def series(text: str) -> set[str]:
        return {
            f"{s.name}{sorted(s.labels.items())}"
            for family in text_string_to_metric_families(text)
            for s in family.samples
        }

    assert series(before) == series(after.text)


def test_health_is_that_of_the_folding_thread(tmp_path: Path) -> None:
    """200 while events are folded, 503 when nobody folds; other paths are 404."""
    with detector(tmp_path) as found:
        assert get(found, "/healthz").status_code == 200
        assert get(found, "/nothing").status_code == 404
    assert get(found, "/healthz").status_code == 503
