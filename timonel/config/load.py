"""Reads timonel.yaml, and says of a wrong one which key, what it got and what it may be."""

import difflib
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from timonel.config.model import Config
from timonel.errors import BadInput


def load_config(path: Path) -> Config:
    """Read and check a timonel.yaml; every error names the file and the key."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(
            f"{path}: no such file", fix="timonel init DATA --target COLUMN writes one"
        ) from None
    except (UnicodeDecodeError, OSError) as error:
        raise BadInput(f"{path}: cannot be read as UTF-8 text: {error}") from None
    return parse_config(text, name=str(path), base=path.parent)


def parse_config(text: str, *, name: str = "timonel.yaml", base: Path = Path()) -> Config:
    """Check the text of a timonel.yaml."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInput(f"{name}: not valid YAML: {_yaml_problem(error)}") from None
    if not isinstance(raw, dict):
        raise BadInput(f"{name}: expected sections such as model: and data:, got {_short(raw)}")
    try:
        return Config.model_validate(_with_base(raw, name, base))
    except ValidationError as error:
        problems = [_describe(name, problem) for problem in error.errors()]
        raise BadInput("\n".join(problems)) from None


def _with_base(raw: dict[str, Any], name: str, base: Path) -> dict[str, Any]:
    if "base" in raw:
        raise BadInput(f"{name}: base is not a setting: relative paths start at the file's folder")
    return {**raw, "base": base}


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return where + str(getattr(error, "problem", None) or error)


def _describe(name: str, problem: ErrorDetails) -> str:
    key = ".".join(str(part) for part in problem["loc"] if not _is_branch(part))
    got, kind = problem["input"], problem["type"]
    if kind == "extra_forbidden":
        return f"{name}: {key} is not a setting{_nearest(problem['loc'])}"
    if kind == "missing":
        return f"{name}: {key} is missing: it has no default"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if not key:
        return f"{name}: {message}"
    return (
        f"{name}: {key} is {_short(got)}: it {message}"
        if message.startswith("should")
        else (f"{name}: {key} is {_short(got)}: {message}")
    )


def _is_branch(part: object) -> bool:
    """Tell pydantic's names of union members from real keys."""
    return part in ("bool", "int", "str", "float")


def _nearest(location: tuple[int | str, ...]) -> str:
    """Suggest the known key that is closest to a misspelt one, or list them."""
    section: type[BaseModel] | None = Config
    for part in location[:-1]:
        section = section and _section_of(section, part)
    if section is None:
        return ""
    known = [k for k in section.model_fields if k != "base"]
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f": did you mean {close[0]}?" if close else f": it may be one of {', '.join(known)}"


def _section_of(section: type[BaseModel], part: int | str) -> type[BaseModel] | None:
    if isinstance(part, int):
        return section
    field = section.model_fields.get(part)
    return _model_in(field.annotation) if field else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, UnionType):
        try:
            if issubclass(annotation, BaseModel):
                return annotation
        except TypeError:  # a parametrised generic such as tuple[Gate, ...]
            pass
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
