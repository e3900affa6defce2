"""Flags of the commands that start processes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from timonel.config import Config
from timonel.config.section import Section
from timonel.errors import BadInput
from timonel.reference import Reference
from timonel_serving.fetching.package import Source, find_package

S = TypeVar("S", bound=Section)


def overridden(base: S, flags: Mapping[str, Any]) -> S:
    """Settings with the flags that were given; raises BadInput naming one that does not fit."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return type(base).model_validate({**base.model_dump(), **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"--{first['loc'][0]} is {first['input']!r}: {first['msg']}") from None


def reference_at(address: str | None, config: Config, digest: str | None) -> Reference | None:
    """The reference of a model package, or of a file of `Reference.save`; None without an address."""
    if address is None:
        if digest is not None:
            raise BadInput("--digest without --reference: there is no package to compare it with")
        return None
    if digest is None and Path(address).is_file():
        return Reference.load(Path(address))
    return Reference.of_package(find_package(address, Source.of(config), digest).package.path)
