"""Flags of the commands that start processes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from timonel.config.section import Section
from timonel.errors import BadInput
from timonel.package import open_package
from timonel.reference import Reference

S = TypeVar("S", bound=Section)


def overridden(base: S, flags: Mapping[str, Any]) -> S:
    """Settings with the flags that were given; raises BadInput naming one that does not fit."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return type(base).model_validate({**base.model_dump(), **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"--{first['loc'][0]} is {first['input']!r}: {first['msg']}") from None


def reference_at(path: Path) -> Reference:
    """The reference of a model package, or of a file of `Reference.save`."""
    return Reference.of_package(open_package(path).path) if path.is_dir() else Reference.load(path)
