"""Events of inferences as KServe's agent and our predictor send them."""

import random
from dataclasses import dataclass
from typing import Any

import orjson

Headers = dict[str, str]
TYPE = "org.kubeflow.serving.inference."


@dataclass(frozen=True)
class Posted:
    """One event, ready to be posted."""

    headers: Headers
    body: bytes

    @property
    def key(self) -> tuple[str, str]:
        """Its id and type."""
        return self.headers["ce-id"], self.headers["ce-type"]


def agent_headers(identity: str, kind: str, time: str = "2026-11-21T10:45:00.123456Z") -> Headers:
    """The headers of KServe's agent, in lower case."""
    return {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": identity,
        "ce-type": TYPE + kind,
        "ce-source": "http://localhost:9081/",
        "ce-time": time,
        "ce-inferenceservicename": "fraud",
        "ce-namespace": "default",
        "ce-component": "predictor",
        "ce-endpoint": "",
        "ce-metadata": '{"X-Request-Id":["abc"]}',
    }


def structured(posted: Posted) -> dict[str, Any]:
    """An event as one JSON object."""
    attributes = {n[3:]: v for n, v in posted.headers.items() if n.startswith("ce-")}
    return attributes | {"data": orjson.loads(posted.body)}


def inference(number: int, features: int = 3) -> tuple[Posted, Posted]:
    """The halves of one inference of a binary model, at its own second, V1 or V2 in turn."""
    rng = random.Random(number)
    time = f"2026-11-{1 + number // 1440 % 28:02}T{number // 60 % 24:02}:{number % 60:02}:00Z"
    identity = f"id-{number}"
    values = [round(rng.gauss(0, 1), 6) for _ in range(features)]
    score = round(rng.random(), 6)
    if number % 2:
        asked: dict[str, Any] = {"instances": [{f"f{i}": v for i, v in enumerate(values)}]}
        told: dict[str, Any] = {"predictions": [int(score > 0.5)], "scores": [score]}
    else:
        asked = {"inputs": [vector(f"f{i}", "FP64", [v]) for i, v in enumerate(values)]}
        told = {
            "outputs": [
                vector("predict", "INT64", [int(score > 0.5)]),
                vector("score", "FP32", [score]),
            ]
        }
    extra = {"ce-modelversion": "7", "ce-latencyms": "12.500", "ce-status": "200"}
    return (
        Posted(agent_headers(identity, "request", time), orjson.dumps(asked)),
        Posted(agent_headers(identity, "response", time) | extra, orjson.dumps(told)),
    )


def vector(name: str, datatype: str, data: list[Any]) -> dict[str, Any]:
    """A V2 tensor of one side."""
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data}
