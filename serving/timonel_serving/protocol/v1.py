"""KServe's V1 protocol: `{"instances": [...]}` in, `{"predictions": [...]}` out."""

from typing import Any

from timonel.contract import DataContract, FeatureBatch, FeatureReader
from timonel_serving.model.scoring import Answer
from timonel_serving.problems import Malformed, violations_json

_EXAMPLE = 'send {"instances": [...]}: rows as lists, or as objects by column name'


def read(payload: object, reader: FeatureReader) -> FeatureBatch:
    """Read the rows of a request: lists, objects by column name, or bare values of a lone column."""
    rows = _rows(payload)
    if isinstance(rows[0], dict):
        return reader.from_dicts(rows)
    if len(reader.names) == 1 and not isinstance(rows[0], list):
        return reader.from_columns({reader.names[0]: rows})
    return reader.from_rows(rows)


def _rows(payload: object) -> list[Any]:
    if not isinstance(payload, dict):
        raise Malformed("the body is not a JSON object", fix=_EXAMPLE)
    key = "instances" if "instances" in payload else "inputs"
    if key not in payload:
        raise Malformed('the body has neither "instances" nor "inputs"', fix=_EXAMPLE)
    rows = payload[key]
    if not isinstance(rows, list):
        raise Malformed(f'"{key}" is not a list', fix=_EXAMPLE)
    if not rows:
        raise Malformed(f'"{key}" is empty: expected at least one row')
    return rows


def render(
    answer: Answer, contract: DataContract, *, name: str, version: str, request_id: str
) -> dict[str, Any]:
    """The response's fields."""
    labels = contract.classes
    fields: dict[str, Any] = {
        "predictions": [labels[i] for i in answer.classes.tolist()],
        "scores": answer.scores,  # the array itself: JSON then has float32's own digits
        "model_name": name,
        "model_version": version,
        "id": request_id,
    }
    if answer.violations:
        fields["violations"] = violations_json(answer.violations)
    return fields
