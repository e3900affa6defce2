"""KServe's V1 protocol: `{"instances": [...]}` in, `{"predictions": [...]}` out."""

from typing import Any

from timonel.contract import FeatureBatch, FeatureReader, Violation
from timonel_serving.problems import Malformed, violations_json

_EXAMPLE = 'send {"instances": [...]}: rows as lists, or as objects by column name'


def read(payload: object, reader: FeatureReader) -> FeatureBatch:
    """Read the rows of a request: lists, objects by column name, or bare values of a lone column."""
    found = rows(payload)
    if isinstance(found[0], dict):
        return reader.from_dicts(found)
    if len(reader.names) == 1 and not isinstance(found[0], list):
        return reader.from_columns({reader.names[0]: found})
    return reader.from_rows(found)


def rows(payload: object) -> list[Any]:
    """The rows of a body, as they are; raises `Malformed` where there are none."""
    if not isinstance(payload, dict):
        raise Malformed("the body is not a JSON object", fix=_EXAMPLE)
    key = "instances" if "instances" in payload else "inputs"
    if key not in payload:
        raise Malformed('the body has neither "instances" nor "inputs"', fix=_EXAMPLE)
    found = payload[key]
    if not isinstance(found, list):
        raise Malformed(f'"{key}" is not a list', fix=_EXAMPLE)
    if not found:
        raise Malformed(f'"{key}" is empty: expected at least one row')
    return found


def render(
    fields: dict[str, Any],
    violations: tuple[Violation, ...],
    *,
    name: str,
    version: str,
    request_id: str,
) -> dict[str, Any]:
    """The response's fields, of which the model gives the first."""
    rendered = {**fields, "model_name": name, "model_version": version, "id": request_id}
    if violations:
        rendered["violations"] = violations_json(violations)
    return rendered
