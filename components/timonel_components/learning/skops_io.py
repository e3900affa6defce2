"""Model files of scikit-learn: skops with a list of trusted types of our own, never pickle.

skops names the parts of a model by their addresses in memory, which differ from process to process.
They are numbered here instead, so that the same model is the same file, with the same digest.
"""

import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from timonel.errors import BadInput, Corrupt
from timonel.files import staged_file
from timonel.trust import TRUSTED_TYPES

SCHEMA = "schema.json"


def save_model(model: Any, path: Path) -> None:
    """Write a model, whole or not at all; the same model gives the same bytes."""
    with staged_file(path) as stage, ZipFile(io.BytesIO(skops.io.dumps(model))) as dumped:
        _write_numbered(dumped, stage)


def load_model(path: Path) -> Any:
    """Read a model; raises `Corrupt` for a file that holds any type which is not trusted."""
    try:
        return skops.io.load(path, trusted=list(TRUSTED_TYPES))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such model file") from None
    except UntrustedTypesFoundException as error:
        raise Corrupt(
            f"{path}: not loaded: {error}",
            why="a model file may hold only the types that timonel.trust names",
            fix="if you made the file yourself, train with one of the candidates of timonel.yaml",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise Corrupt(f"{path}: not a readable model file: {error}") from None


def _write_numbered(dumped: ZipFile, path: Path) -> None:
    numbers: dict[str, int] = {}
    schema = _numbered(json.loads(dumped.read(SCHEMA)), numbers)
    with ZipFile(path, "w") as file:
        file.writestr(_entry(SCHEMA), json.dumps(schema))
        for name in sorted(dumped.namelist(), key=lambda n: _number(n, numbers)):
            if name != SCHEMA:
                file.writestr(_entry(_renamed(name, numbers)), dumped.read(name))


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name)  # dated 1980, the least a zip can say
    entry.compress_type = ZIP_DEFLATED
    return entry


def _numbered(node: Any, numbers: dict[str, int]) -> Any:
    """The schema with each address replaced by its number in the order of appearance."""
    if isinstance(node, list):
        return [_numbered(item, numbers) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _renumbered(key, value, numbers) for key, value in node.items()}


def _renumbered(key: str, value: Any, numbers: dict[str, int]) -> Any:
    if key == "__id__":
        return _number(str(value), numbers)
    if key == "file" and isinstance(value, str):
        return _renamed(value, numbers)
    return _numbered(value, numbers)


def _renamed(name: str, numbers: dict[str, int]) -> str:
    return f"{_number(name, numbers)}{Path(name).suffix}"


def _number(name: str, numbers: dict[str, int]) -> int:
    return numbers.setdefault(name.partition(".")[0], len(numbers) + 1)
