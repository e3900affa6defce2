"""Writes a timonel.yaml in which each setting is explained, from the settings' own definitions."""

import textwrap
from collections.abc import Mapping
from typing import Any, cast

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from timonel.config.model import Config

WIDTH = 100

HEADER = """\
# Settings of one Timonel model. A line that is commented out shows a default: uncomment it to change it.
# `timonel check` checks this file; `timonel schema` prints its JSON Schema for editors.
"""


def render_template(chosen: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of a timonel.yaml with `chosen` values live and every other setting shown as default."""
    fields = {n: f for n, f in Config.model_fields.items() if not f.exclude}
    sections = [_section(name, field, chosen.get(name, {})) for name, field in fields.items()]
    return HEADER + "\n" + "\n".join(sections)


def _section(name: str, field: FieldInfo, chosen: Mapping[str, Any]) -> str:
    model = cast(type[BaseModel], field.annotation)
    title = (model.__doc__ or "").strip().splitlines()[0]
    lines = [f"# {title}", f"{name}:" if chosen else f"# {name}:"]
    for key, setting in model.model_fields.items():
        lines += _setting(key, setting, chosen, model)
    return "\n".join(lines) + "\n"


def _setting(
    key: str, setting: FieldInfo, chosen: Mapping[str, Any], model: type[BaseModel]
) -> list[str]:
    about = " ".join((setting.description or "").split())
    comment = textwrap.wrap(about, WIDTH, initial_indent="  # ", subsequent_indent="  # ")
    if key in chosen:
        return [*comment, f"  {key}: {_flow(chosen[key])}"]
    return [*comment, f"  # {key}: {_flow(_default(key, setting, model))}"]


def _default(key: str, setting: FieldInfo, model: type[BaseModel]) -> Any:
    if setting.default is PydanticUndefined:
        return None
    # the model knows how it writes a value such as a duration
    partial = model.model_construct(**{key: setting.default})
    return partial.model_dump(mode="json", include={key})[key]


def _flow(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("...").rstrip()
