"""All ways in give the numbers of scikit-learn itself."""

import asyncio
import json
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, RESTConfig

from packages import Built, build
from requests_v2 import kserve_request, tensors
from servers import Running, Starter

CLOSE = {"rtol": 0, "atol": 1e-5}


def test_v1_objects_and_lists_and_v2_json_agree_with_scikit_learn(
    server: Running, loans: Built
) -> None:
    """V1 rows by name, V1 rows as lists and V2 tensors give the probabilities of scikit-learn."""
    rows = loans.rows(40)
    expected = loans.expected(rows)[:, 1]
    by_name = httpx.post(server.v1, json={"instances": rows}).json()
    as_lists = httpx.post(server.v1, json={"instances": [list(r.values()) for r in rows]}).json()
    v2 = httpx.post(server.v2, json={"inputs": tensors(rows)}).json()
    outputs = {o["name"]: o for o in v2["outputs"]}
    np.testing.assert_allclose(by_name["scores"], expected, **CLOSE)
    assert by_name["scores"] == as_lists["scores"] == outputs["score"]["data"]
    assert by_name["predictions"] == outputs["predict"]["data"]
    assert by_name["predictions"] == [int(p >= 0.4) for p in expected]
    assert (outputs["predict"]["datatype"], outputs["predict"]["shape"]) == ("INT64", [40])


def test_kserve_clients_agree_over_rest_binary_and_grpc(server: Running, loans: Built) -> None:
    """KServe's own clients get the same scores by JSON, by binary tensors and by gRPC, either form."""
    rows = loans.rows(30, start=50)
    scores = asyncio.run(_ask_with_kserve(server, rows))
    v1 = httpx.post(server.v1, json={"instances": rows}).json()["scores"]
    for way, found in scores.items():
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.array(v1, dtype=np.float32), err_msg=way)


async def _ask_with_kserve(server: Running, rows: list[dict[str, Any]]) -> dict[str, Any]:
    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    grpc = InferenceGRPCClient(server.facts["grpc"])
    found = {}
    try:
        assert await rest.is_server_live(server.url)
        assert await rest.is_model_ready(server.url, "loans")
        assert await grpc.is_server_ready()
        assert await grpc.is_model_ready("loans")
        for binary in (False, True):
            request = kserve_request(rows, "loans", binary=binary)
            answer = await rest.infer(server.url, request, model_name="loans")
            found[f"REST, binary {binary}"] = answer.get_output_by_name("score").as_numpy()
            assert answer.id == "query-1"
        for binary in (False, True):
            request = kserve_request(rows, "loans", binary=binary)
            answer = await grpc.infer(request)
            found[f"gRPC, raw {binary}"] = answer.get_output_by_name("score").as_numpy()
            assert (answer.id, answer.model_version) == ("query-1", "7")
    finally:
        await rest.close()
        await grpc.close()
    return found


def test_binary_outputs_are_sent_when_asked_for(server: Running, loans: Built) -> None:
    """A V2 request may ask for one output alone, in binary form after the JSON."""
    rows = loans.rows(5)
    wish = [{"name": "score", "parameters": {"binary_data": True}}]
    answer = httpx.post(server.v2, json={"inputs": tensors(rows), "outputs": wish})
    length = int(answer.headers["inference-header-content-length"])
    head = json.loads(answer.content[:length])
    assert [o["name"] for o in head["outputs"]] == ["score"]
    assert head["outputs"][0]["parameters"] == {"binary_data_size": 20}
    found = np.frombuffer(answer.content[length:], dtype="<f4")
    plain = httpx.post(server.v1, json={"instances": rows}).json()["scores"]
    np.testing.assert_array_equal(found, np.array(plain, dtype=np.float32))


def test_the_fast_way_and_kserve_own_route_answer_alike(server: Running, loans: Built) -> None:
    """A CloudEvent, which KServe's own V1 route unwraps, gets what the plain request gets."""
    body = {"instances": loans.rows(8)}
    event = {"ce-specversion": "1.0", "ce-id": "1", "ce-type": "t", "ce-source": "s"}
    event |= {"content-type": "application/json", "x-request-id": "same"}
    wrapped = httpx.post(server.v1, json=body, headers=event)
    plain = httpx.post(server.v1, json=body, headers={"x-request-id": "same"})
    assert "ce-id" in wrapped.headers
    assert wrapped.json() == plain.json()


def test_one_matrix_serves_an_all_numeric_model(serve: Starter, tmp_path: Path) -> None:
    """A model of numbers alone takes one [rows, columns] tensor, in JSON and in binary form."""
    built = build(tmp_path / "numbers", drop=("region",))
    server = serve(built)
    rows = built.rows(6)
    matrix = np.array([[np.nan if v is None else v for v in r.values()] for r in rows])
    expected = built.expected(rows)[:, 1]
    data = [None if np.isnan(v) else v for v in matrix.ravel()]
    tensor = {"name": "x", "shape": list(matrix.shape), "datatype": "FP64"}
    plain = httpx.post(server.v2, json={"inputs": [{**tensor, "data": data}]}).json()
    np.testing.assert_allclose(plain["outputs"][1]["data"], expected, **CLOSE)
    raw = matrix.tobytes()
    head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": len(raw)}}]})
    headers = {"inference-header-content-length": str(len(head))}
    binary = httpx.post(server.v2, content=head.encode() + raw, headers=headers).json()
    assert binary["outputs"] == plain["outputs"]


def test_more_than_two_classes_and_scikit_learn_itself(serve: Starter, tmp_path: Path) -> None:
    """A model with text labels, served by scikit-learn, gives a label and all probabilities a row."""
    built = build(tmp_path / "three", task="multiclass", backend="skops")
    server = serve(built)
    rows = built.rows(10)
    expected = built.expected(rows)
    v1 = httpx.post(server.v1, json={"instances": rows}).json()
    np.testing.assert_allclose(v1["scores"], expected, **CLOSE)
    classes = built.contract.classes
    assert v1["predictions"] == [classes[i] for i in expected.argmax(axis=1)]
    predict, score = httpx.post(server.v2, json={"inputs": tensors(rows)}).json()["outputs"]
    assert (predict["datatype"], predict["data"]) == ("BYTES", v1["predictions"])
    assert (score["shape"], score["data"]) == ([10, 3], list(chain.from_iterable(v1["scores"])))
    wish = {"parameters": {"binary_data_output": True}}
    binary = httpx.post(server.v2, json={"inputs": tensors(rows), **wish})
    assert b"\x04\x00\x00\x00high" in binary.content


@pytest.mark.parametrize("kind", [None, "application/x-www-form-urlencoded", "text/plain"])
def test_plain_curl_needs_no_content_type(server: Running, loans: Built, kind: str | None) -> None:
    """curl -d works with no header, where KServe's own server answers 500."""
    header = [] if kind is None else ["-H", f"content-type: {kind}"]
    body = json.dumps({"instances": loans.rows(1)})
    command = ["curl", "-s", "-i", "-d", body, *header, server.v1]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert answer.startswith("HTTP/1.1 200 OK")
    assert '"predictions":[' in answer


def test_metadata_names_the_columns(server: Running) -> None:
    """V2 metadata gives each column with its datatype, and the outputs."""
    found = httpx.get(f"{server.url}/v2/models/loans").json()
    assert {i["name"]: i["datatype"] for i in found["inputs"]} == {
        "income": "FP32",
        "region": "BYTES",
        "debt": "FP32",
        "age": "FP32",
        "owner": "BOOL",
    }
    assert [o["name"] for o in found["outputs"]] == ["predict", "score"]


def test_each_response_bears_version_and_request_id(server: Running, loans: Built) -> None:
    """The caller's id comes back; a bad one is replaced; KServe's own answers bear them too."""
    body = {"instances": loans.rows(1)}
    mine = httpx.post(server.v1, json=body, headers={"x-request-id": "order-17"})
    assert (mine.headers["x-request-id"], mine.json()["id"]) == ("order-17", "order-17")
    bad = httpx.post(server.v1, json=body, headers={"x-request-id": "a b" * 100})
    assert len(bad.headers["x-request-id"]) == 32
    health = httpx.get(f"{server.url}/v2/health/live", headers={"x-request-id": "order-18"})
    assert health.headers["x-request-id"] == "order-18"
    for answer in (mine, bad, health):
        assert answer.headers["x-timonel-version"] == "7"
