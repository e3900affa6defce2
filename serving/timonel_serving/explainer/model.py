"""KServe's explainer: why the model gives a row its score, over V1 `:explain`."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import kserve
import numpy as np
import orjson
import pyarrow.parquet as pq
from kserve.metrics import EXPLAIN_HIST_TIME
from numpy.typing import NDArray

from timonel.config.section import Label
from timonel.config.sections import Serving
from timonel.contract import DataContract, FeatureBatch, FeatureReader
from timonel.errors import BadInput
from timonel.package import Package
from timonel_serving.engine import Reply
from timonel_serving.explainer.choice import choose_method
from timonel_serving.explainer.explanation import Explanation
from timonel_serving.http.admission import Gate
from timonel_serving.http.exchange import Exchange
from timonel_serving.http.identity import request_id
from timonel_serving.metrics import Metrics
from timonel_serving.model.runtime import SkopsBackend
from timonel_serving.model.scoring import Answer, Scorer, servable
from timonel_serving.problems import ContractBroken, TooLarge, violations_json
from timonel_serving.protocol import v1
from timonel_serving.protocol.loading import load

BACKGROUND_ROWS = 100
"""Rows of the reference that an explanation compares with."""
SEED = 0


class ExplainEngine:
    """Answers requests for explanations with one model."""

    def __init__(
        self, package: Package, settings: Serving, *, version: str, metrics: Metrics
    ) -> None:
        self.name, self.version, self.metrics = package.manifest.model, version, metrics
        self.routes: Mapping[str, Literal["v1", "v2"]] = {f"/v1/models/{self.name}:explain": "v1"}
        self._backend = SkopsBackend(package.path / "model.skops", package.contract)
        self._scorer = Scorer(
            package,
            self._backend,
            on_violation=settings.on_violation,
            threshold=settings.threshold,
        )
        self._contract = package.contract
        self.reader = FeatureReader(package.contract)
        self._max_rows = settings.explain_max_batch
        background = self._backend.frame(background_of(package))
        self._method = choose_method(self._backend.pipeline, package.contract, background)
        # what is compiled on first use is compiled before the first request
        self._method.explain(background[:1], np.zeros(1, dtype=np.intp))
        self._seconds = EXPLAIN_HIST_TIME.labels(self.name)

    @property
    def method(self) -> str:
        """How the model is explained."""
        return self._method.name

    def reply(self, exchange: Exchange) -> Reply:
        """Answer a V1 body."""
        start = time.perf_counter()
        fields = self.explain(self.read(load(exchange.body)), exchange.id)
        self._seconds.observe(time.perf_counter() - start)
        return Reply(orjson.dumps(fields))

    def read(self, payload: object) -> FeatureBatch:
        """Read the rows of a V1 payload; refuses more than may be explained at once."""
        batch = v1.read(payload, self.reader)
        if len(batch) > self._max_rows:
            raise TooLarge(
                f"the request has {len(batch):,} rows, at most {self._max_rows:,} are explained",
                fix="split it, or raise serving.explain_max_batch",
            )
        return batch

    def explain(self, batch: FeatureBatch, identity: str) -> dict[str, Any]:
        """The fields of the response: an explanation for each row."""
        answer = self._answer(batch)
        frame = self._backend.frame(servable(batch, answer.violations))
        explained = self._explained(answer)
        found = self._method.explain(frame, explained)
        self.metrics.rows(len(batch))
        fields: dict[str, Any] = {
            "explanations": _rendered(found, answer, explained, self._contract),
            "space": self._method.space,
            "method": self._method.name,
            "model_name": self.name,
            "model_version": self.version,
            "id": identity,
        }
        if answer.violations:
            fields["violations"] = violations_json(answer.violations)
        return fields

    def _answer(self, batch: FeatureBatch) -> Answer:
        try:
            violations = self._scorer.check(batch)
        except ContractBroken as error:
            self.metrics.violations(error.violations)
            raise
        if violations:
            self.metrics.violations(violations)
        return self._scorer.answer(batch, violations)

    def _explained(self, answer: Answer) -> NDArray[np.intp]:
        """Of two classes the positive one, whatever was predicted; else the predicted one."""
        if len(self._contract.classes) == 2:
            return np.ones(len(answer.classes), dtype=np.intp)
        return answer.classes


class Explainer(kserve.Model):  # type: ignore[misc]  # kserve publishes no types
    """The engine as KServe's own endpoints reach it (CloudEvents, for one)."""

    def __init__(self, engine: ExplainEngine, gate: Gate) -> None:
        super().__init__(engine.name)
        self._engine, self._gate = engine, gate
        self.ready = True

    async def healthy(self) -> bool:
        """Whether the model takes requests: not once the server drains."""
        return bool(self.ready) and not self._gate.draining

    async def explain(
        self, payload: object, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Explain a V1 payload in the model's thread."""
        batch = self._engine.read(payload)
        identity = request_id((headers or {}).get("x-request-id"))
        with self._gate.request(), self._gate.place():
            return await self._gate.run(lambda: self._engine.explain(batch, identity))


def background_of(package: Package) -> FeatureBatch:
    """A seeded sample of the rows that the model was examined on."""
    path = package.path / "reference.parquet"
    if not path.is_file():
        raise BadInput(
            f"{package.path}: has no reference.parquet, which explanations compare with",
            fix="train anew: each package that `timonel train` makes has one",
        )
    reader = FeatureReader(package.contract)
    table = pq.read_table(path, columns=list(reader.names))
    size = min(BACKGROUND_ROWS, table.num_rows)
    chosen = np.random.default_rng(SEED).choice(table.num_rows, size, replace=False)
    return reader.from_table(table.take(np.sort(chosen)))


def _rendered(
    found: Sequence[Explanation],
    answer: Answer,
    explained: NDArray[np.intp],
    contract: DataContract,
) -> list[dict[str, object]]:
    labels: Sequence[Label] = contract.classes
    return [
        {
            "class": labels[k],
            "prediction": labels[predicted],
            "base_value": e.base_value,
            "score": e.score,
            "contributions": e.contributions,
        }
        for e, k, predicted in zip(found, explained.tolist(), answer.classes.tolist(), strict=True)
    ]
