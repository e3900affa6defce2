"""Writes the reference of timonel.yaml from the definitions of the settings."""

from collections.abc import Iterator
from typing import Any

import yaml

from timonel.config import Config

Schema = dict[str, Any]
MAX_DIGITS = 12


def describe_settings() -> str:
    """Every section with its settings: what each may be, its default and its meaning."""
    schema = Config.model_json_schema(mode="serialization")
    return "\n".join(_sections(schema))


def _sections(schema: Schema) -> Iterator[str]:
    definitions = schema["$defs"]
    for name, section in schema["properties"].items():
        yield from _section(name, _resolve(section, definitions), definitions)


def _section(path: str, section: Schema, definitions: Schema) -> Iterator[str]:
    yield from (f"## {path}", "", section["description"], "")
    yield from ("| setting | default | meaning |", "|---|---|---|")
    required = section.get("required", [])
    for key, setting in section["properties"].items():
        yield _row(key, setting, key in required, definitions)
    yield ""
    for key, setting in section["properties"].items():
        for branch in setting.get("anyOf", [setting]):
            inner = _resolve(branch, definitions)
            if "properties" in inner:
                yield from _section(f"{path}.{key}", inner, definitions)
            items = _resolve(inner.get("items", {}), definitions)
            if "properties" in items:
                yield from _section(f"{path}.{key}[]", items, definitions)


def _row(key: str, setting: Schema, required: bool, definitions: Schema) -> str:
    default = "required" if required else f"`{_flow(setting.get('default'))}`"
    meaning = " ".join(setting.get("description", "").split())
    return f"| `{key}`<br><small>{_kind(setting, definitions)}</small> | {default} | {_cell(meaning)} |"


def _kind(setting: Schema, definitions: Schema) -> str:
    """What a value may be, in words."""
    setting = _resolve(setting, definitions)
    if "anyOf" in setting:
        kinds = [_kind(s, definitions) for s in setting["anyOf"] if s.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in setting:
        return " or ".join(f"<code>{value}</code>" for value in setting["enum"])
    if setting.get("type") == "array":
        return "list of " + _kind(setting.get("items", {}), definitions)
    return _cell(_scalar(setting))


def _scalar(setting: Schema) -> str:
    if setting.get("examples"):
        return "duration, such as 15min, 36h or 7d"
    name = {"string": "text", "integer": "whole number", "number": "number", "object": "settings"}
    kind = name.get(setting.get("type", ""), setting.get("type", "any"))
    return f"{kind} {_range(setting)}".strip()


def _range(setting: Schema) -> str:
    low, high = setting.get("minimum"), setting.get("maximum")
    above, below = setting.get("exclusiveMinimum"), setting.get("exclusiveMaximum")
    parts = [
        f"from {low:g}" if low is not None else "",
        f"above {above:g}" if above is not None else "",
        f"to {high:.{MAX_DIGITS}g}" if high is not None else "",
        f"below {below:g}" if below is not None else "",
    ]
    return " ".join(filter(None, parts))


def _resolve(setting: Schema, definitions: Schema) -> Schema:
    """Follow a reference, keeping what stands beside it."""
    if "$ref" not in setting:
        return setting
    target = definitions[setting["$ref"].removeprefix("#/$defs/")]
    return {**target, **{k: v for k, v in setting.items() if k != "$ref"}}


def _flow(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("...").rstrip()


def _cell(text: str) -> str:
    return text.replace("|", "&#124;").replace("<", "&lt;")
