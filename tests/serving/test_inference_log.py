"""Each inference reaches the receiver as KServe's agent would send it, and never delays a response."""

import asyncio
import json
import socket
import time
from typing import Any

import httpx
import numpy as np
from kserve import InferenceGRPCClient

from packages import Built
from receivers import Receiver
from requests_v2 import kserve_request
from servers import Running, Starter


def test_events_have_the_agent_form_and_our_extensions(
    serve: Starter, loans: Built, receiver: Receiver
) -> None:
    """A good and a failed inference arrive as a request and a response event each."""
    server = serve(loans, "--log-url", receiver.url, "--model-version", "7")
    body = {"instances": loans.rows(1)}
    good = httpx.post(server.v1, json=body, headers={"x-request-id": "good"})
    bad = httpx.post(server.v1, json={"instances": [{"shoe": 1}]}, headers={"x-request-id": "bad"})
    events = [receiver.events.get(timeout=10) for _ in range(4)]
    for (asked, answered), sent, status in (
        (events[:2], good, "200"),
        (events[2:], bad, "400"),
    ):
        assert asked[0]["ce-type"] == "org.kubeflow.serving.inference.request"
        assert answered[0]["ce-type"] == "org.kubeflow.serving.inference.response"
        assert asked[0]["ce-id"] == answered[0]["ce-id"] == sent.headers["x-request-id"]
        assert json.loads(asked[1]) == json.loads(sent.request.content)
        assert answered[1] == sent.content
        assert answered[0]["ce-status"] == status
        assert float(answered[0]["ce-latencyms"]) > 0
        _check_common(asked[0])
    assert "timonel_log_events_total{" in server.metrics()


def _check_common(headers: dict[str, str]) -> None:
    assert headers["content-type"] == "application/json"
    assert headers["ce-specversion"] == "1.0"
    assert headers["ce-inferenceservicename"] == "loans"
    assert headers["ce-component"] == "predictor"
    assert headers["ce-modelversion"] == "7"
    assert headers["ce-time"].endswith("Z")
    assert json.loads(headers["ce-metadata"]) == {"X-Request-Id": [headers["ce-id"]]}


def test_grpc_inferences_are_logged_as_v2_json(
    serve: Starter, loans: Built, receiver: Receiver
) -> None:
    """What came by gRPC, raw or not, is logged as the V2 JSON that says the same."""
    server = serve(loans, "--log-url", receiver.url, "--model-version", "7")
    rows = loans.rows(2)
    expected = httpx.post(server.v1, json={"instances": rows}).json()["scores"]
    for _ in range(2):
        receiver.events.get(timeout=10)
    asyncio.run(_ask_by_grpc(server, rows))
    for _ in range(2):
        asked, answered = (receiver.events.get(timeout=10) for _ in range(2))
        inputs = {t["name"]: t["data"] for t in json.loads(asked[1])["inputs"]}
        assert inputs["region"] == [r["region"] for r in rows]
        assert inputs["income"] == [r["income"] for r in rows]
        response = json.loads(answered[1])
        assert response["outputs"][1]["data"] == expected
        assert (response["id"], answered[0]["ce-status"]) == ("query-1", "200")


async def _ask_by_grpc(server: Running, rows: list[dict[str, Any]]) -> None:
    client = InferenceGRPCClient(server.facts["grpc"])
    for binary in (True, False):
        await client.infer(kserve_request(rows, "loans", binary=binary))
    await client.close()


def test_what_waits_is_sent_at_the_stop(serve: Starter, loans: Built, receiver: Receiver) -> None:
    """A server that drains delivers the inferences that it has answered."""
    server = serve(loans, "--log-url", receiver.url)
    with httpx.Client() as client:
        for _ in range(30):
            client.post(server.v1, json={"instances": loans.rows(1)})
    assert server.stop() == 0
    assert receiver.events.qsize() == 60


def test_a_receiver_that_hangs_delays_nobody(serve: Starter, loans: Built) -> None:
    """While the receiver never answers, responses are as quick as before and losses are counted."""
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.1", 0))
        hanging.listen(1)
        url = f"http://127.0.0.1:{hanging.getsockname()[1]}/"
        server = serve(loans, "--log-url", url, settings="log_queue: 20, drain_seconds: 2")
        with_log = _latencies(server, loans)
        assert _dropped(server, "queue_full") >= 150
        assert float(np.quantile(with_log, 0.99)) < 0.5
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 6


def _latencies(server: Running, loans: Built) -> list[float]:
    found = []
    with httpx.Client() as client:
        for _ in range(200):
            start = time.perf_counter()
            assert client.post(server.v1, json={"instances": loans.rows(1)}).status_code == 200
            found.append(time.perf_counter() - start)
    return found


def _dropped(server: Running, reason: str) -> float:
    lines = [x for x in server.metrics().splitlines() if f'reason="{reason}"' in x]
    totals: list[Any] = [float(x.rsplit(" ", 1)[1]) for x in lines if "_total{" in x]
    return sum(totals)


def test_nobody_listens(serve: Starter, loans: Built) -> None:
    """With no receiver at all predictions are unharmed and the losses are counted by reason."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    server = serve(loans, "--log-url", url)
    answer = httpx.post(server.v1, json={"instances": loans.rows(1)})
    assert answer.status_code == 200
    deadline = time.monotonic() + 10
    while not _dropped(server, "unreachable") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _dropped(server, "unreachable") == 1
