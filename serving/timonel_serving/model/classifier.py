"""A classifier as an answerer: rows of features in, a label and scores out."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from timonel.config.section import Label
from timonel.contract import ColumnContract, FeatureBatch, FeatureReader, Violation
from timonel_serving.model.scoring import Answer, Scorer
from timonel_serving.protocol import v1, v2
from timonel_serving.protocol.v2_response import Labels, Output

_DATATYPES = {"numeric": "FP32", "boolean": "BOOL", "categorical": "BYTES", "text": "BYTES"}


class Classifier:
    """Scores rows with one classifier."""

    outputs: tuple[str, ...] = ("predict", "score")

    def __init__(self, scorer: Scorer) -> None:
        self.scorer, self.contract = scorer, scorer.contract
        self.numeric = frozenset(c.name for c in self.contract.numeric)
        self._reader = FeatureReader(self.contract)
        self._labels = Labels.of(self.contract)
        self._classes = pa.array(self.contract.classes)
        self._binary = len(self.contract.classes) == 2

    def read_v1(self, payload: object) -> FeatureBatch:
        """Read the rows of a body."""
        return v1.read(payload, self._reader)

    def read_v2(self, inputs: Sequence[Any], blob: memoryview) -> FeatureBatch:
        """Read tensors: one a column, or one matrix."""
        return v2.read_inputs(inputs, self._reader, blob)

    def of_batch(self, batch: FeatureBatch) -> FeatureBatch:
        """The rows themselves."""
        return batch

    def check(self, question: FeatureBatch) -> tuple[Violation, ...]:
        """What the rows break of the contract."""
        return self.scorer.check(question)

    def answer(self, question: FeatureBatch, violations: tuple[Violation, ...] = ()) -> Answer:
        """Score the rows."""
        return self.scorer.answer(question, violations)

    def fields(self, answer: Answer) -> dict[str, Any]:
        """Labels and scores."""
        labels = self.contract.classes
        return {
            "predictions": [labels[i] for i in answer.classes.tolist()],
            "scores": answer.scores,  # the array itself: JSON then has float32's own digits
        }

    def tensors(self, answer: Answer) -> dict[str, Output]:
        """Labels and scores."""
        return {
            "predict": Output(
                "predict", self._labels.datatype, self._labels.values[answer.classes]
            ),
            "score": Output("score", "FP32", answer.scores),
        }

    def types(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """A tensor a column in; label and score out."""
        inputs = [
            {"name": c.name, "datatype": _DATATYPES[c.kind], "shape": [-1]}
            for c in self.contract.features
        ]
        shape = [-1] if self._binary else [-1, len(self.contract.classes)]
        predict = {"name": "predict", "datatype": self._labels.datatype, "shape": [-1]}
        return inputs, [predict, {"name": "score", "datatype": "FP32", "shape": shape}]

    def example(self) -> list[Any]:
        """A row that the contract allows."""
        return [_example(column) for column in self.contract.features]

    def columns(self) -> list[pa.Field]:
        """The label; one score of two classes, else one each."""
        labels = self.contract.classes
        scores = ["score"] if self._binary else [f"score_{label}" for label in labels]
        fields = [pa.field(name, pa.float32()) for name in scores]
        return [pa.field("prediction", self._classes.type), *fields]

    def values(self, answer: Answer) -> list[pa.Array]:
        """Labels and scores."""
        scores = answer.scores.reshape(len(answer.scores), -1)
        columns = [pa.array(np.ascontiguousarray(column)) for column in scores.T]
        return [self._classes.take(pa.array(answer.classes)), *columns]

    def tally(self, answer: Answer) -> Counter[Label]:
        """How many rows got each label."""
        labels = self.contract.classes
        counts = np.bincount(answer.classes, minlength=len(labels)).tolist()
        return Counter(dict(zip(labels, counts, strict=True)))


def _example(column: ColumnContract) -> Any:
    if column.kind == "text":
        return "some words of a text " * 10
    if column.kind == "categorical":
        return column.categories[0] if column.categories else "some category"
    if column.kind == "boolean":
        return True
    return ((column.minimum or 0.0) + (column.maximum or 0.0)) / 2
