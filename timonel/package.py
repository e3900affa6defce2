"""A model package: a directory that holds a model and all that is needed to serve and watch it.

    package.json       the manifest: digests of every other file, where the model came from
    model.onnx         the model for ONNX Runtime, where ONNX can express it
    model.skops        the scikit-learn pipeline, never a pickle
    ranker/            in place of both, of a ranking: its tables (`timonel.ranker.store`)
    contract.json      the data contract
    reference.parquet  rows that the model was examined on, with scores and labels
    reference.json     figures of the reference: metrics with intervals, rows, period
    MODEL_CARD.md      what a person should know before using the model

`open_package` verifies every digest before anything of the package is used.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from timonel.config.section import Share
from timonel.contract import DataContract
from timonel.errors import BadInput, Corrupt
from timonel.files import sha256, write_text
from timonel.terms import Task

MANIFEST = "package.json"


class Derived(BaseModel):
    """How a version was made from another one without a training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: str
    """recalibrate or move_threshold."""
    version: str
    """The version it was made from."""
    digest: str
    """Of that version's package."""
    labels_from: str
    """Time of the first labelled row it was fitted to, ISO 8601."""
    labels_to: str
    rows: int
    labels_digest: str
    """SHA-256 of those rows."""
    change: dict[str, float]
    """What was added to the log odds of each class; or the threshold, `from` and `to`."""


class Origin(BaseModel):
    """Where a model came from: enough to make it again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_uri: str
    data_version: int
    git_commit: str | None
    run_id: str | None
    """The MLflow run."""
    created_at: str
    """ISO 8601, UTC."""
    libraries: dict[str, str]
    """Versions of the libraries that trained it."""
    derived: Derived | None = None
    """Of a version that was made from another one."""


class Manifest(BaseModel):
    """package.json."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format_version: int = Field(default=1, ge=1, le=1)
    model: str
    task: Task
    candidate: str
    """The kind of estimator."""
    backend: Literal["onnx", "skops", "tables"]
    """What serves it: ONNX Runtime, scikit-learn itself, or of a ranking its own tables."""
    backend_reason: str | None = None
    """Why not ONNX, where it is not."""
    threshold: Share | None = None
    """Score from which a row counts as positive; None for more than two classes."""
    metrics: dict[str, float] = {}
    """Figures on the test rows."""
    origin: Origin
    files: dict[str, str]
    """SHA-256 of every other file of the package, by name."""


@dataclass(frozen=True)
class Package:
    """A verified package."""

    path: Path
    manifest: Manifest
    digest: str
    """SHA-256 of package.json: it covers the digests of all files, hence the whole package."""

    @cached_property
    def contract(self) -> DataContract:
        """The data contract."""
        return DataContract.load(self.path / "contract.json")


def digest_files(path: Path) -> dict[str, str]:
    """SHA-256 of every file of a package directory but its manifest, by name."""
    files = sorted(f for f in path.rglob("*") if f.is_file() and f.name != MANIFEST)
    return {f.relative_to(path).as_posix(): sha256(f) for f in files}


def seal_package(path: Path, manifest: Manifest) -> Package:
    """Write the manifest as the last file of a package directory."""
    text = manifest.model_dump_json(indent=2) + "\n"
    write_text(path / MANIFEST, text)
    return Package(path, manifest, hashlib.sha256(text.encode()).hexdigest())


def open_package(path: Path, *, expected_digest: str | None = None) -> Package:
    """Verify a package and return it.

    Raises `BadInput` where there is no package, `Corrupt` where a file is missing, added or changed,
    or where the whole is not the one that `expected_digest` names.
    """
    try:
        text = (path / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(
            f"{path}: no model package: it has no {MANIFEST}",
            fix="give the folder that `timonel train` printed",
        ) from None
    digest = hashlib.sha256(text).hexdigest()
    if expected_digest is not None and digest != expected_digest:
        raise Corrupt(
            f"{path}: the package's digest is {digest[:12]}, expected {expected_digest[:12]}",
            why="it is not the package that was registered",
        )
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise Corrupt(f"{path / MANIFEST}: not a package manifest: {error}") from None
    _verify_files(path, manifest)
    return Package(path, manifest, digest)


def _verify_files(path: Path, manifest: Manifest) -> None:
    found = digest_files(path)
    for name, expected in manifest.files.items():
        got = found.pop(name, None)
        if got != expected:
            state = f"has SHA-256 {got[:12]}" if got else "is missing"
            raise Corrupt(
                f"{path / name} {state}, the manifest says {expected[:12]}",
                why="the package was changed after it was made: it will not be served",
                fix="fetch the package again, or train anew",
            )
    if found:
        raise Corrupt(f"{path}: {', '.join(found)} is not in the manifest: the package was changed")
