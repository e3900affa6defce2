"""A joined inference as rows for the monitor: who, when, how it went, what came in, what went out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from timonel.errors import BadInput
from timonel_serving.detector.bodies import Columns, request_columns, response_columns
from timonel_serving.detector.join import Inference
from timonel_serving.detector.tally import Fold
from timonel_serving.protocol.tensors import Values

_PREDICTIONS = ("predict", "prediction", "label", "class")
_SCORES = ("score", "scores", "probability", "probabilities", "predict_proba")
_FAILED = 400


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one inference; each of the outcome's columns may be missing."""

    inference: Inference
    features: Columns
    prediction: Values | None
    score: Values | None
    version: str

    @property
    def ids(self) -> list[str]:
        """The event's id, with the row's number behind a colon where there are several."""
        identity, n = self.inference.request.id, self.features.rows
        return [identity] if n == 1 else [f"{identity}:{i}" for i in range(n)]


def read_rows(inference: Inference, names: Sequence[str]) -> Rows | Fold:
    """The rows of an inference, or why they cannot be read; `names` are the features' in order, if known."""
    request, response = inference.request, inference.response
    try:
        features = request_columns(request, names)
    except BadInput:
        return Fold.BAD_REQUEST
    version = response.version or request.version
    if (response.status or 0) >= _FAILED:
        return Rows(inference, features, None, None, version)
    try:
        outputs, said = response_columns(response)
    except BadInput:
        return Fold.BAD_RESPONSE
    if outputs.rows != features.rows:
        return Fold.ROWS_DIFFER
    return Rows(inference, features, *_outcome(outputs), version or said)


def _outcome(outputs: Columns) -> tuple[Values | None, Values | None]:
    """Prediction and score among the outputs, by their names; a lone output is told by its values."""
    values = outputs.values
    score = next((values[name] for name in _SCORES if name in values), None)
    prediction = next((values[name] for name in _PREDICTIONS if name in values), None)
    if prediction is None and score is None:
        prediction = next(iter(values.values()))
    if score is None and _are_probabilities(prediction):
        prediction, score = None, prediction
    return prediction, score if score is None else _of_positive(score)


def _are_probabilities(column: Any) -> bool:
    first = column[0] if column else None
    return isinstance(first, list) and bool(first) and all(isinstance(p, float) for p in first)


def _of_positive(score: Values) -> Values:
    """Of two classes' probabilities the second, as scikit-learn orders them."""
    if all(isinstance(row, list) and len(row) == 2 for row in score):
        return [row[1] for row in score]
    return score
