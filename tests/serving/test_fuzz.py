"""Whatever is sent, the server answers in words of its own: never a 5xx, never a traceback."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packages import Built
from servers import Running, starter

SEVERAL = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(
    SCALARS, lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(), x, max_size=4)
)
COLUMNS = st.sampled_from(["income", "region", "debt", "age", "owner"])
ROWS = st.dictionaries(COLUMNS, JSON) | st.lists(JSON, min_size=5, max_size=5)
TENSORS = st.fixed_dictionaries(
    {},
    optional={
        "name": COLUMNS | JSON,
        "shape": st.lists(st.integers(-2, 5), max_size=3) | JSON,
        "datatype": st.sampled_from(["FP32", "INT64", "BYTES", "BOOL"]) | JSON,
        "data": st.lists(SCALARS, max_size=5) | JSON,
        "parameters": st.fixed_dictionaries({"binary_data_size": JSON}) | JSON,
    },
)


V2_BODIES = st.fixed_dictionaries(
    {"inputs": st.lists(TENSORS, max_size=5)},
    optional={"outputs": JSON, "parameters": JSON, "id": JSON},
)
KINDS = st.sampled_from(["FP32", "BYTES", "FP16", "BOOL"])


@pytest.fixture(scope="module", params=["reject", "flag"])
def server(
    request: pytest.FixtureRequest, loans: Built, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server that refuses what breaks the contract, and one that asks the model about it."""
    with starter(tmp_path_factory.mktemp("fuzz")) as start:
        yield start(loans, "--on-violation", request.param)


@pytest.fixture(scope="module")
def client() -> Any:
    """One connection for all examples."""
    with httpx.Client() as client:
        yield client


def check(answer: httpx.Response) -> None:
    """An answer, or a refusal in our words."""
    assert answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
    body = answer.json()
    assert ("error" in body) == (answer.status_code != 200)


def encode(value: Any) -> bytes:
    """JSON with numbers of any size, and the infinities that are not JSON."""
    return json.dumps(value).encode()


@SEVERAL
@given(body=st.fixed_dictionaries({"instances": st.lists(ROWS, max_size=3) | JSON}))
def test_any_v1_rows(server: Running, client: httpx.Client, body: Any) -> None:
    """V1 with rows of anything."""
    check(client.post(server.v1, content=encode(body)))


@SEVERAL
@given(body=V2_BODIES)
def test_any_v2_tensors(server: Running, client: httpx.Client, body: Any) -> None:
    """V2 with tensors of anything."""
    check(client.post(server.v2, content=encode(body)))


@SEVERAL
@given(body=st.binary(max_size=200), length=st.integers(-5, 300), tail=st.binary(max_size=50))
def test_any_bytes(
    server: Running, client: httpx.Client, body: bytes, length: int, tail: bytes
) -> None:
    """Bytes that mean nothing, with a header length that means nothing."""
    headers = {"inference-header-content-length": str(length)}
    check(client.post(server.v2, content=body + tail, headers=headers))
    check(client.post(server.v1, content=body))


@SEVERAL
@given(
    size=st.integers(0, 40),
    raw=st.binary(max_size=40),
    kind=KINDS,
    rows=st.integers(0, 8),
)
def test_any_binary_tensor(
    server: Running, client: httpx.Client, size: int, raw: bytes, kind: str, rows: int
) -> None:
    """Binary tensors whose sizes, types and contents do not belong together."""
    tensor = {"name": "region", "shape": [rows], "datatype": kind}
    head = encode({"inputs": [{**tensor, "parameters": {"binary_data_size": size}}]})
    headers = {"inference-header-content-length": str(len(head))}
    check(client.post(server.v2, content=head + raw, headers=headers))


def test_good_requests_still_pass(server: Running, loans: Built) -> None:
    """After all that the server answers as before."""
    assert httpx.post(server.v1, json={"instances": loans.rows(3)}).status_code == 200
