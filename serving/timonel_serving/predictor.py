"""The model as KServe knows it: what its own endpoints, CloudEvents and gRPC reach.

The fast way over HTTP (`front`) answers with the same engine, so that all ways agree.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import kserve
import numpy as np
from kserve import InferOutput, InferRequest
from kserve.model import InferenceVerb

from timonel.contract import ColumnContract, FeatureBatch
from timonel_serving.engine import Engine
from timonel_serving.http.admission import Gate
from timonel_serving.http.identity import request_id
from timonel_serving.log.queue import InferenceLog
from timonel_serving.log.recorded import AnsweredResponse, Recorder, plain_tensor
from timonel_serving.model.scoring import Answer
from timonel_serving.problems import Malformed
from timonel_serving.protocol import v1, v2, v2_response

_DATATYPES = {"numeric": "FP32", "boolean": "BOOL", "categorical": "BYTES", "text": "BYTES"}


@dataclass(frozen=True)
class _Question:
    """A request on its way through KServe's three stages."""

    batch: FeatureBatch
    render: Callable[[Answer], Any]
    answer: Answer | None = None


class Predictor(kserve.Model):  # type: ignore[misc]  # kserve publishes no types
    """A `kserve.Model` on a verified package."""

    def __init__(self, engine: Engine, gate: Gate, log: InferenceLog | None = None) -> None:
        super().__init__(engine.name)
        self._engine, self._gate = engine, gate
        self._recorder = Recorder(engine, log)
        self.ready = True

    async def __call__(
        self,
        body: Any,
        headers: Mapping[str, str] | None = None,
        verb: InferenceVerb = InferenceVerb.PREDICT,
    ) -> Any:
        """KServe's three stages, counted and logged as a whole."""
        received, started = time.time(), time.perf_counter()
        identity = request_id((headers or {}).get("x-request-id"))
        try:
            response, extra = await super().__call__(
                body, {**(headers or {}), "x-request-id": identity}, verb
            )
        except Exception as error:
            self._recorder.note(body, error, identity, received, started)
            raise
        self._recorder.note(body, response, identity, received, started)
        return response, extra

    async def healthy(self) -> bool:
        """Whether the model takes requests: not once the server drains."""
        return bool(self.ready) and not self._gate.draining

    def preprocess(self, payload: Any, headers: Mapping[str, str] | None = None) -> _Question:
        """Read a V1 payload or a V2 request."""
        identity = request_id((headers or {}).get("x-request-id"))
        if isinstance(payload, InferRequest):
            batch = v2.read_inputs([plain_tensor(i) for i in payload.inputs], self._engine.reader)
            return _Question(batch, partial(self._render_v2, payload, identity))
        batch = v1.read(payload, self._engine.reader)
        return _Question(batch, partial(self._engine.render_v1, request_id=identity))

    def validate(self, payload: _Question) -> _Question:
        """The question was checked as it was read."""
        return payload

    async def predict(
        self, payload: _Question, headers: Mapping[str, str] | None = None
    ) -> _Question:
        """Score in the model's thread."""
        with self._gate.request(), self._gate.place():
            answer = await self._gate.run(lambda: self._engine.answer(payload.batch))
        return _Question(payload.batch, payload.render, answer)

    def postprocess(self, payload: _Question, headers: Mapping[str, str] | None = None) -> Any:
        """Render in the protocol of the request."""
        return payload.render(payload.answer) if payload.answer else None

    def get_input_types(self) -> list[dict[str, Any]]:
        """V2 metadata: a tensor for each column."""
        return [_input_type(column) for column in self._engine.contract.features]

    def get_output_types(self) -> list[dict[str, Any]]:
        """V2 metadata of the outputs."""
        classes = self._engine.contract.classes
        shape = [-1] if len(classes) == 2 else [-1, len(classes)]
        return [
            {"name": "predict", "datatype": self._engine.labels.datatype, "shape": [-1]},
            {"name": "score", "datatype": "FP32", "shape": shape},
        ]

    def _render_v2(self, request: InferRequest, identity: str, answer: Answer) -> AnsweredResponse:
        tensors = v2_response.outputs(answer, self._engine.labels)
        names = [o.name for o in request.request_outputs or ()] or list(v2.OUTPUTS)
        unknown = [name for name in names if name not in tensors]
        if unknown:
            raise Malformed(f"there is no output {unknown[0][:40]!r}: expected predict or score")
        response = AnsweredResponse(
            response_id=request.id or identity,
            model_name=self._engine.name,
            model_version=self._engine.version,
            infer_outputs=[
                _infer_output(tensors[name], request.use_binary_outputs) for name in names
            ],
            parameters=v2_response.violations_parameter(answer) or None,
            use_binary_outputs=request.use_binary_outputs,
            requested_outputs=request.request_outputs if not request.from_grpc else None,
        )
        response.answer = answer
        return response


def _infer_output(output: v2_response.Output, binary: bool) -> InferOutput:
    values = np.ascontiguousarray(output.values)
    tensor = InferOutput(output.name, list(values.shape), output.datatype)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


def _input_type(column: ColumnContract) -> dict[str, Any]:
    return {"name": column.name, "datatype": _DATATYPES[column.kind], "shape": [-1]}
