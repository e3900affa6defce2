"""A wrong request is refused with a status, a stable code, a message that names the field, and its id."""

import asyncio
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest

from packages import Built
from servers import Running, Starter

ROW = {"income": 30.0, "region": "south", "debt": 0.1, "age": 40.0, "owner": True}
BAD_ROWS: list[tuple[Any, str, str]] = [
    ({**ROW, "region": "mars"}, "contract_violation", "column region, row 0: unseen category"),
    ({**ROW, "income": 1e9}, "contract_violation", "column income, row 0: out of range"),
    ({**ROW, "income": 1e300}, "contract_violation", "column income, row 0: not finite"),
    ({**ROW, "income": None}, "contract_violation", "column income, row 0: missing value"),
    ({**ROW, "owner": 2}, "contract_violation", "column owner, row 0"),
    ({**ROW, "income": "30"}, "bad_input", "column income, row 0 is '30'"),
    ({**ROW, "region": [1]}, "bad_input", "column region, row 0 is [1]"),
    ({**ROW, "income": {"a": 1}}, "bad_input", "column income, row 0"),
    ({**ROW, "shoe": 1}, "bad_input", "unknown column shoe"),
    ([1, 2], "bad_input", "row 0 has 2 values"),
    ("south", "bad_input", "row 0 is text"),
    (None, "bad_input", "row 0 is null"),
]


def assert_refused(answer: httpx.Response, status: int, code: str, text: str) -> None:
    """The answer is a whole refusal, and shows nothing of the program."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["code"] == code
    assert text in body["error"]
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(("row", "code", "text"), BAD_ROWS)
def test_v1_names_what_is_wrong_with_a_row(server: Running, row: Any, code: str, text: str) -> None:
    """A V1 row that the contract or the reader refuses is a 400 naming the column or the row."""
    assert_refused(httpx.post(server.v1, json={"instances": [row]}), 400, code, text)


V1_BODIES: list[tuple[bytes, str]] = [
    (b"", "not JSON: it is empty"),
    (b"{", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    (b"[1]", "not a JSON object"),
    (b"{}", 'neither "instances" nor "inputs"'),
    (b'{"instances": 3}', "is not a list"),
    (b'{"instances": []}', "is empty"),
    (b'{"instances": [NaN]}', "not JSON"),
    (b"[" * 5000, "not JSON"),
]


@pytest.mark.parametrize(("body", "text"), V1_BODIES)
def test_v1_bodies_that_are_none(server: Running, body: bytes, text: str) -> None:
    """A V1 body that is no request is a 400 that says what was expected."""
    assert_refused(httpx.post(server.v1, content=body), 400, "malformed", text)


def tensor(**changes: Any) -> dict[str, Any]:
    """A good tensor, or one that `changes` spoil."""
    return {"name": "income", "shape": [1], "datatype": "FP32", "data": [3.0], **changes}


V2_INPUTS: list[tuple[Any, str]] = [
    ([], 'no "inputs"'),
    ("income", 'no "inputs"'),
    ([3], "lacks its name, shape or datatype"),
    ([{"name": "income"}], "lacks its name, shape or datatype"),
    ([tensor(datatype="FLOAT")], "datatype 'FLOAT'"),
    ([tensor(name=3)], "input '3'"),
    ([tensor(shape="x")], "and the shape x"),
    ([tensor(shape=[-1])], "has the shape [-1]"),
    ([tensor(shape=[1, 1, 1])], "has the shape [1, 1, 1]"),
    ([tensor(shape=[2])], "has 1 values, its shape [2] asks for 2"),
    ([tensor(data=3)], 'has no "data"'),
    ([tensor(data=[[1], 2], shape=[2, 1])], "mixes rows and values"),
    ([tensor(data=None)], "neither"),
    ([tensor(data=None, parameters={"binary_data_size": 4})], "announces 4 bytes"),
    ([tensor(), tensor()], "is there twice"),
    ([tensor(name="shoe"), tensor()], "unknown column shoe"),
    ([tensor(), tensor(name="debt", shape=[2], data=[1, 2])], "different lengths"),
    ([tensor(name="all", shape=[1, 3], data=[1, 2, 3])], "expected one tensor a column"),
    ([tensor(shape=[0], data=[])], "no rows"),
]


@pytest.mark.parametrize(("inputs", "text"), V2_INPUTS)
def test_v2_names_what_is_wrong_with_a_tensor(server: Running, inputs: Any, text: str) -> None:
    """A V2 body that does not fit is a 422 that names the input."""
    answer = httpx.post(server.v2, json={"inputs": inputs})
    assert answer.status_code == 422
    assert text in answer.json()["error"]


def test_v2_violations_are_listed(server: Running) -> None:
    """Each violation stands in the body of a 422 with column, rule, expected and got."""
    inputs = [
        {"name": "income", "shape": [2], "datatype": "FP32", "data": [30, 1e9]},
        {"name": "region", "shape": [2], "datatype": "BYTES", "data": ["south", "mars"]},
        {"name": "debt", "shape": [2], "datatype": "FP32", "data": [0.1, 0.1]},
        {"name": "owner", "shape": [2], "datatype": "BOOL", "data": [True, False]},
    ]
    answer = httpx.post(server.v2, json={"inputs": inputs})
    assert_refused(answer, 422, "contract_violation", "column income, row 1: out of range")
    found = [(v["column"], v["rule"], v["first_row"]) for v in answer.json()["violations"]]
    assert found == [("income", "out of range", 1), ("region", "unseen category", 1)]


def test_media_sizes_and_unknown_models(server: Running, loans: Built) -> None:
    """415 for what is no JSON, 413 for too many bytes or rows, 404 for a model that is not here."""
    body = {"instances": loans.rows(1)}
    image = httpx.post(server.v1, content=b"x", headers={"content-type": "image/png"})
    assert_refused(image, 415, "unsupported_media_type", "'image/png'")
    packed = httpx.post(server.v1, json=body, headers={"content-encoding": "gzip"})
    assert_refused(packed, 415, "unsupported_media_type", "compressed")
    assert_refused(httpx.post(server.v2, content=b" " * (17 * 2**20)), 413, "too_large", "17.0 MB")
    pieces = (b" " * 2**20 for _ in range(17))
    assert_refused(httpx.post(server.v1, content=pieces), 413, "too_large", "at most 16 MB")
    rows = [list(ROW.values())] * 10_001
    answer = httpx.post(server.v1, json={"instances": rows}, timeout=30)
    assert_refused(answer, 413, "too_large", "10,001 rows, at most 10,000")
    other = httpx.post(f"{server.url}/v1/models/other:predict", json=body)
    assert (other.status_code, "error" in other.json()) == (404, True)
    assert httpx.get(server.v2).status_code == 405


def test_refusals_on_kserve_own_route_are_the_same(server: Running) -> None:
    """A CloudEvent with a bad row gets the refusal that the plain request gets."""
    event = {"ce-specversion": "1.0", "ce-id": "1", "ce-type": "t", "ce-source": "s"}
    headers = {**event, "content-type": "application/json", "x-request-id": "same"}
    body = {"instances": [{**ROW, "region": "mars"}]}
    wrapped = httpx.post(server.v1, json=body, headers=headers)
    assert_refused(wrapped, 400, "contract_violation", "column region, row 0: unseen category")
    plain = httpx.post(server.v1, json=body, headers={"x-request-id": "same"})
    assert wrapped.json() == plain.json()


def test_binary_lengths_are_checked(server: Running) -> None:
    """A header length beyond the body, or no number at all, is a 422."""
    for length, text in (("999", "the body has 2 bytes"), ("abc", "not a whole number")):
        headers = {"inference-header-content-length": length}
        answer = httpx.post(server.v2, content=b"{}", headers=headers)
        assert_refused(answer, 422, "malformed", text)


def test_grpc_says_invalid_argument(server: Running) -> None:
    """gRPC refuses the same with INVALID_ARGUMENT, NOT_FOUND, UNIMPLEMENTED, and says why."""
    refused = asyncio.run(_grpc_refusals(server))
    bad = refused["violation"]
    assert bad.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "contract_violation: column income" in bad.details()
    assert dict(bad.trailing_metadata())["x-timonel-version"] == "7"
    assert refused["model"].code() is grpc.StatusCode.NOT_FOUND
    assert refused["shape"].code() is grpc.StatusCode.INVALID_ARGUMENT


async def _grpc_refusals(server: Running) -> dict[str, Any]:
    def request(name: str, value: float, shape: list[int]) -> InferRequest:
        tensor = InferInput("income", shape, "FP64")
        tensor.set_data_from_numpy(np.full(shape, value))
        return InferRequest(name, [tensor])

    requests = {
        "violation": request("loans", 1e9, [1]),
        "model": request("other", 1.0, [1]),
        "shape": request("loans", 1.0, [1, 1, 1]),
    }
    client = InferenceGRPCClient(server.facts["grpc"])
    found: dict[str, Any] = {}
    for name, one in requests.items():
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.infer(one)
        found[name] = caught.value
    await client.close()
    return found


def test_flag_serves_and_marks(serve: Starter, loans: Built) -> None:
    """With on_violation flag, rows that break the contract are served and marked, in all protocols."""
    server = serve(loans, "--on-violation", "flag")
    rows = [ROW, {**ROW, "region": "mars", "income": 1e300}, {**ROW, "debt": None}]
    v1 = httpx.post(server.v1, json={"instances": rows})
    assert v1.status_code == 200
    marks = {(v["column"], v["rule"]) for v in v1.json()["violations"]}
    assert marks == {
        ("region", "unseen category"),
        ("income", "not finite"),
        ("debt", "missing value"),
    }
    good = httpx.post(server.v1, json={"instances": [ROW]}).json()
    assert "violations" not in good
    assert v1.json()["scores"][0] == good["scores"][0]
    inputs = [{"name": "income", "shape": [1], "datatype": "FP32", "data": [1e6]}]
    v2 = httpx.post(server.v2, json={"inputs": inputs}).json()
    assert '"out of range"' in v2["parameters"]["violations"]
    assert 'column="region"' in server.metrics()
