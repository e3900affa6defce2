"""Bodies of every make as rows."""

import random
import struct
from collections import Counter
from typing import Any

import numpy as np
import orjson
import pytest

from inference_events import vector
from timonel_serving.detector.batch import ROLES, Batch
from timonel_serving.detector.half import Half, Kind
from timonel_serving.detector.join import Inference
from timonel_serving.detector.rows import Rows, read_rows
from timonel_serving.detector.tally import Fold

V1_TOLD: dict[str, Any] = {"predictions": [1, 0], "scores": [0.9, 0.2]}
V2_TOLD = {"outputs": [vector("predict", "INT64", [1, 0]), vector("score", "FP32", [0.9, 0.2])]}


def inference(asked: Any, told: Any, **more: Any) -> Inference:
    def half(kind: Kind, body: Any, **extra: Any) -> Half:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return Half(kind, "a", "fraud", extra.pop("version", ""), 5_000_000, raw, **extra)

    length = more.pop("json_length", None)
    request = half(Kind.REQUEST, asked, json_length=length)
    return Inference(request, half(Kind.RESPONSE, told, **more), 7_000_000)


def rows(asked: Any, told: Any, names: tuple[str, ...] = ("x", "y"), **more: Any) -> Rows:
    found = read_rows(inference(asked, told, **more), names)
    assert isinstance(found, Rows), found
    return found


def binary_body(numbers: list[float], words: list[str]) -> tuple[bytes, int]:
    text = b"".join(struct.pack("<I", len(w.encode())) + w.encode() for w in words)
    raw = np.array(numbers, "<f4").tobytes() + text
    inputs: list[dict[str, Any]] = [
        {"name": "x", "shape": [len(numbers)], "datatype": "FP32"},
        {"name": "y", "shape": [len(words), 1], "datatype": "BYTES"},
    ]
    inputs[0]["parameters"] = {"binary_data_size": 4 * len(numbers)}
    inputs[1]["parameters"] = {"binary_data_size": len(text)}
    head = orjson.dumps({"id": "ñ", "inputs": inputs})
    return head + raw, len(head)


@pytest.mark.parametrize("told", [V1_TOLD, V2_TOLD])
@pytest.mark.parametrize(
    "asked",
    [
        {"instances": [[1.5, "u"], [2.5, "v"]]},
        {"instances": [{"x": 1.5, "y": "u"}, {"y": "v", "x": 2.5}]},
        {"inputs": [[1.5, "u"], [2.5, "v"]]},
        {"inputs": [vector("x", "FP32", [1.5, 2.5]), vector("y", "BYTES", ["u", "v"])]},
        {
            "inputs": [
                {"name": "x", "shape": [2, 1], "datatype": "FP32", "data": [[1.5], [2.5]]},
                vector("y", "BYTES", ["u", "v"]),
            ]
        },
        {
            "inputs": [
                {"name": "all", "shape": [2, 2], "datatype": "BYTES", "data": [1.5, "u", 2.5, "v"]}
            ]
        },
    ],
)
def test_every_form_of_a_body_gives_the_same_rows(asked: Any, told: Any) -> None:
    """V1 lists and objects, V2 vectors and matrices: the same features, predictions and scores."""
    found = rows(asked, told)
    assert found.features.values == {"x": [1.5, 2.5], "y": ["u", "v"]}
    assert (found.prediction, found.score) == ([1, 0], [0.9, 0.2])
    assert found.ids == ["a:0", "a:1"]


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("last", ["v", "}", "\n"])
def test_binary_tensors_are_read_with_and_without_the_length(said: bool, last: str) -> None:
    """KServe's agent drops the header with the length of the JSON: it is found all the same."""
    body, length = binary_body([1.5, 2.5], ["u", last])
    found = rows(body, V2_TOLD, json_length=length if said else None)
    assert found.features.values == {"x": [1.5, 2.5], "y": ["u", last]}


def test_rows_without_names_are_numbered() -> None:
    """Lists of a width that is not the model's, and bare values, still are columns."""
    assert list(rows({"instances": [[1, 2, 3]]}, {"predictions": [1]}).features.values) == [
        "feature_0",
        "feature_1",
        "feature_2",
    ]
    bare = rows({"instances": ["some text"]}, {"predictions": [1]}, names=("text",))
    assert bare.features.values == {"text": ["some text"]}


@pytest.mark.parametrize(
    ("told", "prediction", "score"),
    [
        ({"predictions": [0.7]}, [0.7], None),
        ({"predictions": [[0.3, 0.7]]}, None, [0.7]),
        ({"predictions": [[0.2, 0.3, 0.5]]}, None, [[0.2, 0.3, 0.5]]),
        ({"predictions": [["item1", "item2"]]}, [["item1", "item2"]], None),
        ({"predictions": [{"label": "spam", "probability": 0.9}]}, ["spam"], [0.9]),
        ({"outputs": [vector("output-0", "INT64", [3])]}, [3], None),
        (
            {"outputs": [{"name": "p", "shape": [1, 2], "datatype": "FP32", "data": [0.25, 0.75]}]},
            None,
            [0.75],
        ),
    ],
)
def test_outputs_are_told_by_name_and_value(told: Any, prediction: Any, score: Any) -> None:
    """What other runtimes answer is a class, a probability, probabilities of all classes, or a list."""
    found = rows({"instances": [[1, 2]]}, told)
    assert (found.prediction, found.score) == (prediction, score)


def test_a_failed_inference_keeps_its_features() -> None:
    """A refused request has features and a status, and no prediction; its body is not looked at."""
    found = rows({"instances": [[1, 2]]}, b"oops", status=422)
    assert found.features.rows == 1
    assert found.prediction is found.score is None


@pytest.mark.parametrize(
    ("asked", "told", "reason"),
    [
        (b"", V1_TOLD, Fold.BAD_REQUEST),
        (b"\xff{", V1_TOLD, Fold.BAD_REQUEST),
        ([], V1_TOLD, Fold.BAD_REQUEST),
        ({"instances": []}, V1_TOLD, Fold.BAD_REQUEST),
        ({"instances": [[1], [2, 3]]}, V1_TOLD, Fold.BAD_REQUEST),
        ({"instances": [{"x": 1}, [2]]}, V1_TOLD, Fold.BAD_REQUEST),
        ({"instances": [{}, {}]}, V1_TOLD, Fold.BAD_REQUEST),
        ({"instances": [{str(i): 0 for i in range(3000)}]}, V1_TOLD, Fold.BAD_REQUEST),
        ({"inputs": [{"name": "x", "datatype": "FP32"}]}, V1_TOLD, Fold.BAD_REQUEST),
        (
            {"inputs": [{"name": "x", "datatype": "FP32", "shape": [10**12], "data": [1]}]},
            V1_TOLD,
            Fold.BAD_REQUEST,
        ),
        (
            {"inputs": [vector("x", "FP32", [1]), vector("x", "FP32", [1])]},
            V1_TOLD,
            Fold.BAD_REQUEST,
        ),
        (
            {"inputs": [vector("x", "FP32", [1]), vector("y", "FP32", [])]},
            V1_TOLD,
            Fold.BAD_REQUEST,
        ),
        (
            {"inputs": [{"name": "x", "datatype": "FP32", "shape": [10**12, 0], "data": []}]},
            V1_TOLD,
            Fold.BAD_REQUEST,
        ),
        ({"instances": [[1, 2]]}, b"no", Fold.BAD_RESPONSE),
        ({"instances": [[1, 2]]}, {"error": "no"}, Fold.BAD_RESPONSE),
        ({"instances": [[1, 2]]}, {"outputs": [{}]}, Fold.BAD_RESPONSE),
        ({"instances": [[1, 2]]}, V1_TOLD, Fold.ROWS_DIFFER),
    ],
)
def test_what_cannot_be_read_has_its_reason(asked: Any, told: Any, reason: Fold) -> None:
    """Nothing raises; each fault is told apart by the half that has it."""
    assert read_rows(inference(asked, told), ("x", "y")) is reason


def test_the_table_has_all_rows_with_gaps_where_a_feature_is_missing() -> None:
    """Features come and go; times are the event's, versions the event's or the response's own."""
    batch = Batch()
    batch.add(rows({"instances": [{"x": 1, "status": "s"}]}, {"predictions": [1]}, version="7"))
    batch.add(rows({"instances": [{"x": 2, "z": "q"}]}, {"predictions": [0], "model_version": "8"}))
    table = batch.table()
    assert table[ROLES["features"]].to_pylist() == [
        {"x": 1, "status": "s", "z": None},
        {"x": 2, "status": None, "z": "q"},
    ]
    assert table[ROLES["version"]].to_pylist() == ["7", "8"]
    assert table[ROLES["prediction_id"]].to_pylist() == ["a", "a"]
    assert [t.timestamp() for t in table[ROLES["timestamp"]].to_pylist()] == [5.0, 5.0]
    assert ROLES["score"] not in table.column_names
    assert (batch.rows, batch.inferences) == (2, 2)


def test_no_body_raises() -> None:
    """Values of any type in any place of a body give rows or a reason."""
    rng = random.Random(11)
    odd: list[Any] = [
        None,
        True,
        -1,
        1.5,
        "x",
        "FP32",
        [],
        [1],
        [[]],
        [[1], 2],
        {},
        {"a": 1},
        2**63,
    ]

    def spoil(value: Any) -> Any:
        if rng.random() < 0.15:
            return rng.choice(odd)
        if isinstance(value, dict):
            return {(k if rng.random() < 0.97 else "data"): spoil(v) for k, v in value.items()}
        return [spoil(v) for v in value] if isinstance(value, list) else value

    asked = {
        "inputs": [
            vector("x", "FP32", [1.5, 2.5]),
            {
                "name": "y",
                "shape": [2, 1],
                "datatype": "INT8",
                "parameters": {"binary_data_size": 2},
            },
        ]
    }
    seen = Counter[str]()
    for i in range(6000):
        body = spoil(asked if i % 2 else {"instances": [{"x": 1}, {"x": 2}]})
        told = spoil(V2_TOLD if i % 3 else V1_TOLD)
        found = read_rows(inference(orjson.dumps(body) + b"\x01\x02" * (i % 2), told), ())
        if isinstance(found, Rows):
            batch = Batch()
            batch.add(found)
            assert batch.table().num_rows == batch.rows
        seen[str(found) if isinstance(found, Fold) else "rows"] += 1
    assert min(seen.values()) > 20
    assert len(seen) == 4
