"""Detectors that `alibi_detect.saving.save_detector` wrote: fetched, pinned, and kept from running code.

A saved detector is a `config.toml` and the files that it names. Numbers (`.npy`) are safe to read. All else
can run code as soon as it is read: dill and pickle files, scikit-learn, PyTorch and TensorFlow models,
tokenizers. So without `allow_pickle` only numbers are taken, of a detector that consists of numbers.
"""

import hashlib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from timonel.errors import BadInput, Corrupt
from timonel.files import sha256
from timonel_serving.fetching.bounds import Limits
from timonel_serving.fetching.objects import download

CONFIG = "config.toml"
_SAFE_SECTIONS = ("meta", "categories_per_feature")
_CODE = (".dill", ".pickle", ".pkl", ".joblib", ".pt", ".h5", ".keras")
_LIMITS = Limits(files=1000, size=512 * 2**20)


def local_directory(uri: str) -> Path | None:
    """The directory that an address names; None if it is on an object store."""
    if uri.startswith(("s3://", "s3a://")):
        return None
    if "://" in uri.removeprefix("file://"):
        raise BadInput(
            f"monitoring.detector.alibi.storage_uri is {uri}: expected a directory, file:// or s3://",
            fix="of a persistent volume claim (pvc://) mount the claim and give the path it is mounted at",
        )
    return Path(uri.removeprefix("file://"))


def fetch(uri: str, into: Path, environment: Mapping[str, str]) -> Path:
    """The directory of a saved detector, copied into `into` if it is on an object store."""
    found = local_directory(uri)
    if found is not None:
        return found
    download(uri, into, environment, _LIMITS)
    return into


def digest_of(directory: Path) -> str:
    """SHA-256 of the list of all files' names and SHA-256, in the form of `sha256sum`, sorted by name."""
    lines = sorted((f.relative_to(directory).as_posix(), sha256(f)) for f in _files(directory))
    return hashlib.sha256("".join(f"{s}  {name}\n" for name, s in lines).encode()).hexdigest()


def check(directory: Path, *, digest: str | None, allow_pickle: bool) -> dict[str, Any]:
    """The settings of a saved detector that may be loaded; raises where it may not."""
    if not directory.is_dir():
        raise BadInput(f"{directory}: no such directory, expected a saved detector")
    if digest is not None and (found := digest_of(directory)) != digest:
        raise Corrupt(
            f"{directory}: the detector's digest is {found}, expected {digest}",
            why="it is not the detector that monitoring.detector.alibi.digest pins",
        )
    config = _config(directory)
    if config.get("update_x_ref"):
        raise BadInput(
            f"{directory}: its update_x_ref is {config['update_x_ref']}, expected none",
            why="a reference that follows the windows absorbs the drift it should find",
        )
    if not allow_pickle:
        _refuse_code(directory, config)
    return config


def _config(directory: Path) -> dict[str, Any]:
    try:
        return _without_none(tomllib.loads((directory / CONFIG).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise BadInput(
            f"{directory}: no {CONFIG}, expected what save_detector writes of a drift detector",
            why="the format before it consists of pickles",
            fix="save the detector again with Alibi Detect 0.10 or later",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{directory / CONFIG}: not valid TOML: {error}") from None


def _without_none(config: dict[str, Any]) -> dict[str, Any]:
    """TOML has no null: Alibi Detect writes "None"."""
    return {key: value for key, value in config.items() if value != "None"}


def _refuse_code(directory: Path, config: Mapping[str, Any]) -> None:
    for file in _files(directory):
        name = file.relative_to(directory).as_posix()
        if file.is_symlink() or not (name == CONFIG or file.suffix == ".npy"):
            raise _code(directory, f"it holds {name}")
    for key, value in config.items():
        if isinstance(value, dict) and key not in _SAFE_SECTIONS:
            raise _code(directory, f"its {key} is a model or a function")
    for text in _texts(config):
        path = PurePosixPath(text)
        if path.is_absolute() or ".." in path.parts or path.suffix in _CODE:
            raise _code(directory, f"it names {text}")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _files(directory: Path) -> list[Path]:
    found = [Path(root) / name for root, _, names in os.walk(directory) for name in names]
    if len(found) > _LIMITS.files:
        raise BadInput(f"{directory}: {len(found)} files, expected {_LIMITS.files} at most")
    return found


def _code(directory: Path, what: str) -> BadInput:
    return BadInput(
        f"{directory}: refused, since {what}",
        why="whoever can write such a file runs any code in the detector's pod as soon as it is loaded",
        fix="save a detector without preprocessing or model; or, if you trust who wrote it, set"
        " monitoring.detector.alibi.allow_pickle: true and pin its digest",
    )
