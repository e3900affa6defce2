"""Writes the reference of the monitor's API from the description that the monitor gives of itself."""

import json
import time
from collections.abc import Iterator
from typing import Any

from timonel.config.watching import MonitorService
from timonel_serving.monitor.api.app import create_app
from timonel_serving.monitor.models.station import Station
from timonel_serving.monitor.process import put_together

Schema = dict[str, Any]


def describe_monitor_api() -> str:
    """Every route with what it takes and an example of what it answers."""
    app = create_app(put_together(Station([]), MonitorService(), {}, time.time))
    found = app.openapi()
    return "\n".join(
        line
        for path, operations in found["paths"].items()
        for method, operation in operations.items()
        for line in _route(method.upper(), path, operation, found["components"]["schemas"])
    )


def _route(method: str, path: str, operation: Schema, schemas: Schema) -> Iterator[str]:
    yield from (f"## {method} {path}", "", f"{operation['summary']}.", "")
    given = [one for one in operation.get("parameters", ()) if one["in"] != "path"]
    if given:
        yield from ("| parameter | in | meaning |", "|---|---|---|")
        for one in given:
            said = " ".join(
                (one.get("description") or one["schema"].get("description", "")).split()
            )
            yield f"| `{one['name']}` | {one['in']} | {said} |"
        yield ""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body as `{kind}`{_shown(content.get('example'))}"
        yield ""
    answer = operation["responses"]["200"].get("content", {}).get("application/json", {})
    for schema in _schemas(answer.get("schema", {}), schemas):
        said = " ".join(schema.get("description", "").split())
        yield f"Answers: {said}{_shown(schema.get('example'))}"
        yield ""


def _schemas(schema: Schema, schemas: Schema) -> Iterator[Schema]:
    for one in schema.get("anyOf", [schema]):
        if "$ref" in one:
            yield schemas[one["$ref"].rpartition("/")[2]]


def _shown(example: object) -> str:
    if example is None:
        return ""
    text = example if isinstance(example, str) else json.dumps(example, indent=2)
    return f"\n\n```{'text' if isinstance(example, str) else 'json'}\n{text.rstrip()}\n```"
