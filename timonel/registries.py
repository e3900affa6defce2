"""Where registered models come from: any installed package may provide it.

The entry point group `timonel.registries` names functions `(config, wanted) -> RegisteredPackage`,
where `wanted` is an alias such as champion, or a version's number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from timonel.config import Config
from timonel.errors import BadInput

GROUP = "timonel.registries"


@dataclass(frozen=True)
class RegisteredPackage:
    """A model package as a registry knows it, fetched to this machine."""

    path: Path
    version: str
    digest: str | None = None
    """The package's digest that was registered, if one was."""


Resolve = Callable[[Config, str], RegisteredPackage]


def find_registry() -> Resolve:
    """The installed registry's resolver; raises `BadInput` where there is none."""
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        resolve: Resolve = entry.load()
        return resolve
    raise BadInput(
        "no registry is installed: there is nothing that knows an alias or a version",
        fix="give a package's folder with --package, or pip install timonel-components",
    )
