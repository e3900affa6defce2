"""A ranker as an answerer: users in, their best items out."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from timonel.config import OnViolation
from timonel.config.section import Label
from timonel.contract import Enforcer, FeatureBatch, Violation
from timonel.package import Package
from timonel.performance.ranking import NO_ITEM
from timonel.ranker import Ranked, Ranker, load_ranker
from timonel_serving.problems import ContractBroken
from timonel_serving.protocol.ranking import EXCLUDE, K, RankingReader, RankingRequest
from timonel_serving.protocol.v2_response import Output

FOLDER = "ranker"
"""Where a package has the tables."""


@dataclass(frozen=True)
class RankingAnswer:
    """The lists of some users."""

    ranked: Ranked
    violations: tuple[Violation, ...] = ()


class RankingAnswerer(RankingReader):
    """Ranks the items of one package for users."""

    outputs: tuple[str, ...] = ("predict", "score", "cold_start")
    numeric: frozenset[str] = frozenset({K})

    def __init__(self, package: Package, *, on_violation: OnViolation) -> None:
        super().__init__(package.contract)
        self.contract = package.contract
        self.ranker: Ranker = load_ranker(package.path / FOLDER)
        self._enforcer = Enforcer(package.contract)
        self._rejects = on_violation is OnViolation.REJECT
        self._names = np.append(self.ranker.items.names, "")  # NO_ITEM, -1, is the empty one

    def of_batch(self, batch: FeatureBatch) -> RankingRequest:
        """Each row's user, with lists of the usual length."""
        return RankingRequest(batch, np.full(len(batch), self.default_k), ())

    def check(self, question: RankingRequest) -> tuple[Violation, ...]:
        """Whether every row has a user."""
        violations = tuple(self._enforcer.check(question.batch))
        if violations and self._rejects:
            raise ContractBroken(violations)
        return violations

    def answer(
        self, question: RankingRequest, violations: tuple[Violation, ...] = ()
    ) -> RankingAnswer:
        """Rank for each user; one who is not known gets the most popular items."""
        codes = [self.ranker.items.codes(names) for names in question.exclude]
        ranked = self.ranker.top_k(question.batch.categorical[:, 0].tolist(), question.k, codes)
        return RankingAnswer(ranked, violations)

    def fields(self, answer: RankingAnswer) -> dict[str, Any]:
        """A list of items a user with their scores, and who was not known."""
        ranked = answer.ranked
        sizes = (ranked.items != NO_ITEM).sum(axis=1)
        names = self._names[ranked.items].tolist()
        pairs = list(zip(names, ranked.scores, sizes.tolist(), strict=True))
        return {
            "predictions": [row[:size] for row, _, size in pairs],
            "scores": [scores[:size] for _, scores, size in pairs],
            "cold_start": ranked.cold.tolist(),
        }

    def tensors(self, answer: RankingAnswer) -> dict[str, Output]:
        """The same as matrices: a shorter list ends in empty names with no score."""
        ranked = answer.ranked
        return {
            "predict": Output("predict", "BYTES", self._names[ranked.items]),
            "score": Output("score", "FP32", ranked.scores),
            "cold_start": Output("cold_start", "BOOL", ranked.cold),
        }

    def types(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Users, lengths and what to leave out; items, scores and who was not known."""
        inputs = [
            {"name": self.user, "datatype": "BYTES", "shape": [-1]},
            {"name": K, "datatype": "INT64", "shape": [-1]},
            {"name": EXCLUDE, "datatype": "BYTES", "shape": [-1, -1]},
        ]
        outputs = [
            {"name": "predict", "datatype": "BYTES", "shape": [-1, -1]},
            {"name": "score", "datatype": "FP32", "shape": [-1, -1]},
            {"name": "cold_start", "datatype": "BOOL", "shape": [-1]},
        ]
        return inputs, outputs

    def example(self) -> list[Any]:
        """A known user."""
        return [self.ranker.histories.users[0]]

    def columns(self) -> list[pa.Field]:
        """The list, its scores, and whether the user was not known."""
        return [
            pa.field("prediction", pa.list_(pa.string())),
            pa.field("score", pa.list_(pa.float32())),
            pa.field("cold_start", pa.bool_()),
        ]

    def values(self, answer: RankingAnswer) -> list[pa.Array]:
        """The lists of some users."""
        ranked = answer.ranked
        real = ranked.items != NO_ITEM
        starts = pa.array(np.append(0, np.cumsum(real.sum(axis=1))).astype(np.int32))
        items = pa.array(self._names[ranked.items[real]], pa.string())
        return [
            pa.ListArray.from_arrays(starts, items),
            pa.ListArray.from_arrays(starts, pa.array(ranked.scores[real])),
            pa.array(ranked.cold),
        ]

    def tally(self, answer: RankingAnswer) -> Counter[Label]:
        """How many users were known."""
        cold = int(answer.ranked.cold.sum())
        return Counter({"known user": len(answer.ranked) - cold, "cold start": cold})
