"""Finds a registered version and brings its package here, verified."""

import shutil
from pathlib import Path
from typing import Any

from timonel.config import Config
from timonel.errors import BadInput, Corrupt, TimonelError
from timonel.files import staged_directory
from timonel.package import Package, open_package
from timonel.registries import RegisteredPackage
from timonel_components.register import CHAMPION, DIGEST_TAG
from timonel_components.tracking.runs import Tracking


def resolve(
    config: Config, reference: str, *, tracking: Tracking | None = None
) -> tuple[int, Package]:
    """The version that an alias or a number names, and its package in the workspace.

    Raises `BadInput` for one that does not exist, `Corrupt` for a package whose digest is not the one
    that was registered, `Unavailable` while MLflow is down.
    """
    tracking = tracking or Tracking(config)
    found = _find(config.model.name, reference, tracking)
    return int(found.version), _package_of(found, tracking)


def registered(config: Config, reference: str) -> RegisteredPackage:
    """What `timonel.registries` asks of a registry: the same as a plain record."""
    version, package = resolve(config, reference)
    return RegisteredPackage(package.path, str(version), package.digest)


def champion(config: Config, *, tracking: Tracking | None = None) -> Package | None:
    """The champion's package; None while the model has none."""
    tracking = tracking or Tracking(config)
    model = _model(config.model.name, tracking)
    if model is None or CHAMPION not in model.aliases:
        return None
    return resolve(config, CHAMPION, tracking=tracking)[1]


def _find(name: str, reference: str, tracking: Tracking) -> Any:
    model = _model(name, tracking)
    if model is None:
        raise BadInput(
            f"the registry has no model {name}", fix="train it first: timonel train -c timonel.yaml"
        )
    versions = {str(v.version): v for v in tracking.call("search_model_versions", f"name='{name}'")}
    number = str(model.aliases.get(reference, reference))
    if number not in versions:
        aliases = ", ".join(f"{alias} ({v})" for alias, v in sorted(model.aliases.items()))
        raise BadInput(
            f"{name} has no version {reference}",
            fix=f"use one of its aliases: {aliases or 'none'}; or of its versions:"
            f" {', '.join(sorted(versions, key=int)) or 'none'}",
        )
    return versions[number]


def _model(name: str, tracking: Tracking) -> Any | None:
    from mlflow.exceptions import MlflowException

    try:
        return tracking.call("get_registered_model", name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def _package_of(version: Any, tracking: Tracking) -> Package:
    digest = version.tags.get(DIGEST_TAG)
    if digest is None:
        raise BadInput(
            f"version {version.version} of {version.name} was not registered by Timonel:"
            f" it has no tag {DIGEST_TAG}"
        )
    local = tracking.workspace.cache / digest
    if local.exists():
        try:
            return open_package(local, expected_digest=digest)
        except TimonelError:  # a spoilt copy is fetched anew
            shutil.rmtree(local)
    with staged_directory(local) as stage:
        _download(version, stage, tracking)
        open_package(stage, expected_digest=digest)
    return open_package(local, expected_digest=digest)


def _download(version: Any, directory: Path, tracking: Tracking) -> None:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    source = f"{version.source}/package"
    try:
        got = Path(
            tracking.retry(
                download_artifacts,
                artifact_uri=source,
                dst_path=str(directory),
                tracking_uri=tracking.uri,
            )
        )
    except (MlflowException, OSError) as error:
        raise Corrupt(
            f"{source}: the package of version {version.version} is not there:"
            f" {str(error).splitlines()[0]}",
            why="its run or its artifacts were deleted",
            fix="train anew, or use another version",
        ) from None
    # a store may put the folder itself, or what is in it
    if got != directory:
        for file in got.iterdir():
            file.rename(directory / file.name)
        got.rmdir()
