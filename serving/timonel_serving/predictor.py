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

from timonel_serving.engine import Engine
from timonel_serving.http.admission import Gate
from timonel_serving.http.identity import request_id
from timonel_serving.log.queue import InferenceLog
from timonel_serving.log.recorded import AnsweredResponse, Recorder, plain_tensor
from timonel_serving.problems import Malformed
from timonel_serving.protocol import v2_response


@dataclass(frozen=True)
class _Question:
    """A request on its way through KServe's three stages."""

    content: Any
    render: Callable[[Any], Any]
    answer: Any = None


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
            tensors = [plain_tensor(i) for i in payload.inputs]
            content = self._engine.model.read_v2(tensors, memoryview(b""))
            return _Question(content, partial(self._render_v2, payload, identity))
        content = self._engine.model.read_v1(payload)
        return _Question(content, partial(self._engine.render_v1, request_id=identity))

    def validate(self, payload: _Question) -> _Question:
        """The question was checked as it was read."""
        return payload

    async def predict(
        self, payload: _Question, headers: Mapping[str, str] | None = None
    ) -> _Question:
        """Score in the model's thread."""
        with self._gate.request(), self._gate.place():
            answer = await self._gate.run(lambda: self._engine.answer(payload.content))
        return _Question(payload.content, payload.render, answer)

    def postprocess(self, payload: _Question, headers: Mapping[str, str] | None = None) -> Any:
        """Render in the protocol of the request."""
        return payload.render(payload.answer) if payload.answer else None

    def get_input_types(self) -> list[dict[str, Any]]:
        """V2 metadata of the inputs."""
        return self._engine.model.types()[0]

    def get_output_types(self) -> list[dict[str, Any]]:
        """V2 metadata of the outputs."""
        return self._engine.model.types()[1]

    def _render_v2(self, request: InferRequest, identity: str, answer: Any) -> AnsweredResponse:
        tensors, known = self._engine.model.tensors(answer), self._engine.model.outputs
        names = [o.name for o in request.request_outputs or ()] or list(known)
        unknown = [name for name in names if name not in tensors]
        if unknown:
            raise Malformed(
                f"there is no output {unknown[0][:40]!r}: expected {' or '.join(known)}"
            )
        response = AnsweredResponse(
            response_id=request.id or identity,
            model_name=self._engine.name,
            model_version=self._engine.version,
            infer_outputs=[
                _infer_output(tensors[name], request.use_binary_outputs) for name in names
            ],
            parameters=v2_response.violations_parameter(answer.violations) or None,
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
