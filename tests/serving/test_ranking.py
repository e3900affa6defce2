"""A ranker behind the real server: users in, items out, by every protocol."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest

from podcasts import PackedRanker, pack
from receivers import Receiver
from servers import Running, Starter, starter
from timonel.config import OnViolation
from timonel.config.sections import Serving
from timonel.errors import BadInput
from timonel_serving.batch.rows import RowsFile
from timonel_serving.batch.score import BatchModel, score_file
from timonel_serving.launch import Wish, launch

KNOWN, OTHER, NOBODY = "L0001", "L0005", "nobody"


@pytest.fixture(scope="module")
def podcasts(tmp_path_factory: pytest.TempPathFactory) -> PackedRanker:
    """The example's ranker, packed."""
    return pack(tmp_path_factory.mktemp("podcasts") / "package")


@pytest.fixture(scope="module")
def ranking(podcasts: PackedRanker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that all tests may ask."""
    with starter(tmp_path_factory.mktemp("server")) as start:
        yield start(podcasts, "--model-version", "7")


def ask(server: Running, *rows: Any) -> httpx.Response:
    """A V1 request."""
    return httpx.post(server.v1, json={"instances": list(rows)})


def tensor(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    """A V2 input."""
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def test_users_get_the_items_that_the_tables_give(ranking: Running, podcasts: PackedRanker) -> None:
    """V1: ten items for a bare user, as many as asked for with k, the same for a user asked twice."""
    answer = ask(ranking, KNOWN, {"listener": OTHER, "k": 3}, KNOWN)
    body = answer.json()
    expected = [podcasts.top(KNOWN, 10), podcasts.top(OTHER, 3), podcasts.top(KNOWN, 10)]
    assert body["predictions"] == expected
    assert [len(s) for s in body["scores"]] == [10, 3, 10]
    assert body["scores"][0] == sorted(body["scores"][0], reverse=True)
    assert body["cold_start"] == [False, False, False]
    assert (body["model_version"], answer.headers["x-timonel-version"]) == ("7", "7")


def test_an_unknown_user_gets_the_most_popular_and_is_marked(
    ranking: Running, podcasts: PackedRanker
) -> None:
    """A user of no history is answered, never refused."""
    body = ask(ranking, NOBODY).json()
    assert body["cold_start"] == [True]
    assert body["predictions"] == [podcasts.ranker.items.names[:10].tolist()]


def test_items_can_be_left_out(ranking: Running, podcasts: PackedRanker) -> None:
    """Excluded items make room for the next; one that does not exist or is there twice is no matter."""
    first, second, third = podcasts.top(KNOWN, 3)
    row = {"listener": KNOWN, "k": 2, "exclude": [first, first, "no such show"]}
    assert ask(ranking, row).json()["predictions"] == [[second, third]]


def test_v2_says_the_same(ranking: Running, podcasts: PackedRanker) -> None:
    """Users, one k for all and exclusions as tensors; a lone tensor is taken for the users."""
    first = podcasts.top(KNOWN, 1)[0]
    inputs = [
        tensor("listener", "BYTES", [2], [KNOWN, NOBODY]),
        tensor("k", "INT64", [1], [4]),
        tensor("exclude", "BYTES", [2, 1], [first, ""]),
    ]
    answer = httpx.post(ranking.v2, json={"inputs": inputs}).json()
    found = {o["name"]: o for o in answer["outputs"]}
    same = ask(
        ranking, {"listener": KNOWN, "k": 4, "exclude": [first]}, {"listener": NOBODY, "k": 4}
    )
    body = same.json()
    assert found["predict"]["shape"] == [2, 4]
    assert found["predict"]["data"] == [*body["predictions"][0], *body["predictions"][1]]
    assert found["score"]["data"] == [*body["scores"][0], *body["scores"][1]]
    assert found["cold_start"]["data"] == [False, True]
    lone = {"inputs": [tensor("who", "BYTES", [1], [KNOWN])], "outputs": [{"name": "predict"}]}
    (only,) = httpx.post(ranking.v2, json=lone).json()["outputs"]
    assert only["data"] == podcasts.top(KNOWN, 10)


def test_lists_of_different_length_are_filled_up(ranking: Running) -> None:
    """A V2 matrix has as many columns as the longest list; the rest is empty text and no score."""
    inputs = [
        tensor("listener", "BYTES", [2], [KNOWN, OTHER]),
        tensor("k", "INT64", [2], [1, 2]),
    ]
    answer = httpx.post(ranking.v2, json={"inputs": inputs}).json()
    found = {o["name"]: o["data"] for o in answer["outputs"]}
    assert [name == "" for name in found["predict"]] == [False, True, False, False]
    assert [score is None for score in found["score"]] == [False, True, False, False]


def test_grpc_says_the_same(ranking: Running, podcasts: PackedRanker) -> None:
    """KServe's gRPC client gets the same items, and the metadata names inputs and outputs."""

    async def infer() -> Any:
        client = InferenceGRPCClient(ranking.facts["grpc"])
        users = InferInput("listener", [2], "BYTES")
        users.set_data_from_numpy(np.array([KNOWN, NOBODY], dtype=np.object_), binary_data=True)
        answer = await client.infer(InferRequest("podcasts", [users]))
        await client.close()
        return answer

    answer = asyncio.run(infer())
    items = answer.get_output_by_name("predict").as_numpy()
    assert [v.decode() if isinstance(v, bytes) else v for v in items[0]] == podcasts.top(KNOWN, 10)
    assert answer.get_output_by_name("cold_start").as_numpy().tolist() == [False, True]
    about = httpx.get(f"{ranking.url}/v2/models/podcasts").json()
    assert [i["name"] for i in about["inputs"]] == ["listener", "k", "exclude"]
    assert [o["name"] for o in about["outputs"]] == ["predict", "score", "cold_start"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"listener": KNOWN, "k": 0}, "row 1: k is 0: expected a whole number from 1 to 100"),
        ({"listener": KNOWN, "k": 101}, "row 1: k is 101: expected"),
        ({"listener": KNOWN, "k": True}, "row 1: k is True: expected"),
        ({"listener": KNOWN, "k": "5"}, "row 1: k is '5': expected"),
        ({"listener": KNOWN, "exclude": "S001"}, "row 1: exclude is 'S001': expected a list"),
        ({"listener": KNOWN, "exclude": [None]}, "row 1: exclude holds None: expected the name"),
        ({"listener": KNOWN, "show": "S001"}, "row 1 has the unknown column show"),
        ({"k": 3}, "column listener, row 1: missing value"),
        ({"listener": ""}, "column listener, row 1: missing value"),
        (None, "column listener, row 1: missing value"),
        ([KNOWN, 3], "row 1 is"),
    ],
)
def test_bad_rows_are_named(ranking: Running, row: Any, says: str) -> None:
    """What a row has wrong is answered with 400, the row and what may be; no row is answered then."""
    answer = ask(ranking, KNOWN, row)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ([tensor("k", "INT64", [1], [3]), tensor("x", "BYTES", [1], ["a"])], "unknown input x"),
        (
            [tensor("listener", "BYTES", [1], ["a"]), tensor("k", "INT64", [2], [1, 2])],
            "k has 2 values",
        ),
        (
            [tensor("listener", "BYTES", [1], ["a"]), tensor("k", "FP64", [1], [1.5])],
            "row 0: k is 1.5",
        ),
        (
            [tensor("listener", "BYTES", [1], ["a"]), tensor("exclude", "BYTES", [2], ["b", "c"])],
            "exclude has 2 rows",
        ),
        ([tensor("listener", "BYTES", [1, 2], ["a", "b"])], "no vector listener of users"),
        ([tensor("listener", "BYTES", [1], ["a"])] * 2, "listener is there twice"),
        ([tensor("listener", "BYTES", [0], [])], "the request has no rows"),
    ],
)
def test_bad_tensors_are_named(ranking: Running, inputs: list[Any], says: str) -> None:
    """V2 inputs that do not fit are answered with 422 and what was expected."""
    answer = httpx.post(ranking.v2, json={"inputs": inputs})
    assert answer.status_code == 422
    assert says in answer.json()["error"]


def test_the_log_has_the_user_and_the_ranked_items(
    serve: Starter, podcasts: PackedRanker, receiver: Receiver
) -> None:
    """The two CloudEvents of an inference tell who asked, what was shown and to whom it was new."""
    server = serve(podcasts, "--log-url", receiver.url, "--model-version", "7")
    ask(server, {"listener": KNOWN, "k": 3}, NOBODY)
    asked, answered = (receiver.events.get(timeout=10) for _ in range(2))
    assert json.loads(asked[1])["instances"][0] == {"listener": KNOWN, "k": 3}
    said = json.loads(answered[1])
    assert said["predictions"][0] == podcasts.top(KNOWN, 3)
    assert said["cold_start"] == [False, True]
    assert answered[0]["ce-modelversion"] == "7"


def test_a_row_without_a_user_is_served_where_violations_are_flagged(
    serve: Starter, podcasts: PackedRanker
) -> None:
    """With on_violation flag nobody gets the most popular items, and the response says so."""
    server = serve(podcasts, "--on-violation", "flag")
    body = ask(server, None, KNOWN).json()
    assert body["cold_start"] == [True, False]
    assert body["violations"][0]["column"] == "listener"


def test_a_file_of_users_is_ranked(podcasts: PackedRanker, tmp_path: Path) -> None:
    """Batch: a list a row, for users of numbers too; the file keeps the user's column."""
    source, out = tmp_path / "users.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table({"listener": [KNOWN, NOBODY, KNOWN]}), source)
    model = BatchModel.of(podcasts.package, Serving(), "7")
    rows = RowsFile(source, podcasts.package.contract)
    scored = score_file(rows, out, model, rows_at_once=2)
    assert scored.predictions == {"known user": 2, "cold start": 1}
    found = pq.ParquetFile(out).read().to_pylist()
    assert [row["listener"] for row in found] == [KNOWN, NOBODY, KNOWN]
    assert found[0]["prediction"] == found[2]["prediction"] == podcasts.top(KNOWN, 10)
    assert [row["cold_start"] for row in found] == [False, True, False]


def test_a_file_with_a_missing_user(podcasts: PackedRanker, tmp_path: Path) -> None:
    """A row of nobody refuses the file, or is marked."""
    source, out = tmp_path / "users.csv", tmp_path / "out.parquet"
    source.write_text(f'listener,note\n{KNOWN},a\n"",b\n')
    rows = RowsFile(source, podcasts.package.contract)
    with pytest.raises(BadInput, match="row 1: missing value"):
        score_file(rows, out, BatchModel.of(podcasts.package, Serving(), "7"))
    flags = BatchModel.of(podcasts.package, Serving(on_violation=OnViolation.FLAG), "7")
    assert score_file(rows, out, flags).flagged == 1


def test_a_ranking_is_not_explained(podcasts: PackedRanker, tmp_path: Path) -> None:
    """--explain is refused before anything starts, with the way out."""
    (tmp_path / "timonel.yaml").write_text(podcasts.settings)
    package = podcasts.package.path
    wish = Wish(tmp_path / "timonel.yaml", package, None, None, {}, explain=True)
    with pytest.raises(BadInput, match="no features that an explanation could name"):
        launch(wish, lambda _: None, verbose=False)
