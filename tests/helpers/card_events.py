"""Inferences of a model of card payments: numbers, a category, whose it is, and a text."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from inference_events import Posted, agent_headers, vector
from timonel.contract import ColumnContract, DataContract
from timonel.reference import Reference
from timonel.terms import Task

COUNTRIES = ("DE", "ES", "FR")
FEATURES: dict[str, str] = {
    "amount": "FP64",
    "age": "FP64",
    "country": "BYTES",
    "card": "BYTES",
    "note": "BYTES",
}


def payment(number: int) -> dict[str, Any]:
    """The features of one."""
    rng = random.Random(number)
    return {
        "amount": round(rng.lognormvariate(3, 1), 4),
        "age": float(rng.randrange(18, 90)),
        "country": rng.choice(COUNTRIES),
        "card": f"card-{rng.randrange(50)}",
        "note": f"canary {number} for {rng.choice(['rent', 'food', 'fun'])}",
    }


def paid(number: int, **changed: Any) -> tuple[Posted, Posted]:
    """The halves of one inference, at its own second of a day."""
    values = payment(number) | changed
    score = round(random.Random(-number).random(), 6)
    asked = {"inputs": [vector(n, FEATURES.get(n, "BYTES"), [v]) for n, v in values.items()]}
    told = {
        "outputs": [
            vector("predict", "INT64", [int(score > 0.5)]),
            vector("score", "FP32", [score]),
        ]
    }
    minute, second = divmod(number, 60)
    time = f"2026-11-01T{minute // 60 % 24:02}:{minute % 60:02}:{second:02}Z"
    extra = {"ce-modelversion": "7", "ce-latencyms": "12.500", "ce-status": "200"}
    identity = f"id-{number}"
    return (
        Posted(agent_headers(identity, "request", time), orjson.dumps(asked)),
        Posted(agent_headers(identity, "response", time) | extra, orjson.dumps(told)),
    )


def contract() -> DataContract:
    """What the features may be."""
    numeric = {"minimum": 0.0, "maximum": 100_000.0}
    return DataContract(
        model="fraud",
        task=Task.BINARY,
        features=(
            ColumnContract(name="amount", kind="numeric", **numeric),
            ColumnContract(name="age", kind="numeric", nullable=True, **numeric),
            ColumnContract(name="country", kind="categorical", categories=COUNTRIES),
            ColumnContract(name="card", kind="categorical"),
            ColumnContract(name="note", kind="text", nullable=True),
        ),
        target="fraud",
        classes=(0, 1),
        entity="card",
        rows=1000,
    )


def reference() -> Reference:
    """Of a thousand payments."""
    rows = [payment(-number) for number in range(1, 1001)]
    table = pa.table({name: [row[name] for row in rows] for name in FEATURES if name != "note"})
    seen = tuple(one for one in contract().features if one.name != "note")
    found = Reference.fit(table, contract=contract().model_copy(update={"features": seen}))
    return replace(found, contract=contract())


def saved_reference(folder: Path) -> Path:
    """The same as a file."""
    path = folder / "reference.parquet"
    reference().save(path)
    return path
