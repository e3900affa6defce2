"""One implementation of reading, scoring and rendering, for every way into the server."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from kserve.metrics import POST_HIST_TIME, PRE_HIST_TIME, PREDICT_HIST_TIME

from timonel_serving.http.exchange import Exchange
from timonel_serving.metrics import Metrics
from timonel_serving.model.answerer import Answerer
from timonel_serving.problems import ContractBroken, Malformed, TooLarge
from timonel_serving.protocol import v1, v2, v2_response
from timonel_serving.protocol.loading import load, load_tensors


@dataclass(frozen=True)
class Reply:
    """A rendered answer."""

    body: bytes
    header_length: int | None = None
    """Length of the JSON part where binary tensors follow it."""


class Engine:
    """Answers requests with one model."""

    def __init__(
        self,
        answerer: Answerer[Any, Any],
        *,
        name: str,
        version: str,
        max_batch: int,
        metrics: Metrics,
    ) -> None:
        self.name, self.version = name, version
        self.routes: Mapping[str, Literal["v1", "v2"]] = {
            f"/v1/models/{name}:predict": "v1",
            f"/v2/models/{name}/infer": "v2",
        }
        self.model = answerer
        self.metrics = metrics
        self._max_batch = max_batch
        self._stages = [h.labels(name) for h in (PRE_HIST_TIME, PREDICT_HIST_TIME, POST_HIST_TIME)]

    def reply(self, exchange: Exchange) -> Reply:
        """Answer a request in its protocol."""
        if exchange.protocol == "v1":
            return self.v1(exchange.body, exchange.id)
        return self.v2(exchange.body, exchange.json_length, exchange.id)

    def v1(self, body: bytes, request_id: str) -> Reply:
        """Answer a V1 body."""
        start = time.perf_counter()
        question = self.model.read_v1(load(body))
        read = time.perf_counter()
        answer = self.answer(question)
        scored = time.perf_counter()
        fields = self.render_v1(answer, request_id)
        reply = Reply(orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY))
        self._observe(start, read, scored)
        return reply

    def v2(self, body: bytes, header_length: int | None, request_id: str) -> Reply:
        """Answer a V2 body, whose first `header_length` bytes are JSON where the rest is binary."""
        start = time.perf_counter()
        head, blob = (body, b"") if header_length is None else _split(body, header_length)
        query = v2.read_query(load_tensors(head, self.model.numeric), self.model.outputs)
        question = self.model.read_v2(query.inputs, memoryview(blob))
        read = time.perf_counter()
        answer = self.answer(question)
        scored = time.perf_counter()
        reply = Reply(*self.render_v2(answer, query.wanted, query.id or request_id))
        self._observe(start, read, scored)
        return reply

    def answer(self, question: Any) -> Any:
        """Check and answer a question, and count what was found."""
        rows = len(question)
        if rows > self._max_batch:
            raise TooLarge(
                f"the request has {rows:,} rows, at most {self._max_batch:,} are answered",
                fix="split it, or raise serving.max_batch",
            )
        if not rows:
            raise Malformed("the request has no rows")
        try:
            violations = self.model.check(question)
        except ContractBroken as error:
            self.metrics.violations(error.violations)
            raise
        if violations:
            self.metrics.violations(violations)
        answer = self.model.answer(question, violations)
        self.metrics.rows(rows)
        return answer

    def render_v1(self, answer: Any, request_id: str) -> dict[str, Any]:
        """The fields of a V1 response."""
        return v1.render(
            self.model.fields(answer),
            answer.violations,
            name=self.name,
            version=self.version,
            request_id=request_id,
        )

    def render_v2(
        self, answer: Any, wanted: Sequence[tuple[str, bool]], request_id: str
    ) -> tuple[bytes, int | None]:
        """A V2 body, and the length of its JSON part where binary tensors follow."""
        return v2_response.render(
            self.model.tensors(answer),
            answer.violations,
            wanted,
            name=self.name,
            version=self.version,
            request_id=request_id,
        )

    def _observe(self, start: float, read: float, scored: float) -> None:
        end = time.perf_counter()
        pre, predict, post = self._stages
        pre.observe(read - start)
        predict.observe(scored - read)
        post.observe(end - scored)


def _split(body: bytes, header_length: int) -> tuple[bytes, bytes]:
    if not 0 <= header_length <= len(body):
        raise Malformed(
            f"inference-header-content-length is {header_length}, the body has {len(body)} bytes"
        )
    return body[:header_length], body[header_length:]
