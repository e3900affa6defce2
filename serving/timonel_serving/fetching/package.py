"""The package that an address names: brought here whole or not at all, verified before anything is loaded."""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from timonel.config import Config
from timonel.errors import BadInput, Corrupt
from timonel.files import staged_directory
from timonel.package import Package, open_package
from timonel_serving.fetching.objects import download, on_object_store

_DIGEST = re.compile(r"(sha256:)?(?P<hex>[0-9a-f]{64})")
_KINDS = "a folder, file://, s3://, gs:// or models:/NAME/VERSION"


@dataclass(frozen=True)
class Source:
    """Where packages are fetched to, and how places are reached."""

    cache: Path
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    tracking_uri: str | None = None
    """MLflow's address."""

    @classmethod
    def of(cls, config: Config | None) -> "Source":
        """As the settings have it; without settings, under the folder where one is."""
        home = config.home if config else Path(".timonel").absolute()
        tracking = (config.storage.tracking_uri if config else None) or os.environ.get(
            "MLFLOW_TRACKING_URI"
        )
        return cls(home / "cache" / "fetched", os.environ, tracking)


@dataclass(frozen=True)
class Found:
    """A verified package, and the version that a registry knows it by."""

    package: Package
    version: str | None = None


def find_package(address: str | Path, source: Source, digest: str | None = None) -> Found:
    """The package at an address, the very one that `digest` names if it is given.

    Raises BadInput where there is no package, Denied without rights, Unavailable while a store is down,
    Corrupt for a package that is damaged or another than the digest's.
    """
    expected = _checked(digest)
    uri = os.fspath(address)
    local = _local(uri)
    if local is not None:
        return Found(open_package(local, expected_digest=expected))
    if uri.startswith("models:"):
        return _registered(uri, source, expected)
    if not on_object_store(uri):
        raise BadInput(f"{uri}: {urlsplit(uri).scheme}: is not known here", fix=f"give {_KINDS}")
    return Found(
        _brought(uri, source, expected, lambda into: download(uri, into, source.environment))
    )


def _checked(digest: str | None) -> str | None:
    if digest is None:
        return None
    found = _DIGEST.fullmatch(digest.strip())
    if found is None:
        raise BadInput(
            f"--digest is {digest!r}: expected the 64 hexadecimal digits that `timonel train` printed"
        )
    return found["hex"]


def _local(uri: str) -> Path | None:
    """The folder that an address names; None where it is elsewhere."""
    if uri.startswith("file://"):
        return Path(unquote(urlsplit(uri).path))
    return None if re.match(r"[a-z][a-z0-9+]*:/", uri) else Path(uri)


def _registered(uri: str, source: Source, expected: str | None) -> Found:
    from timonel_serving.fetching.mlflow import DIGEST_TAG, Registry

    if source.tracking_uri is None or not source.tracking_uri.startswith(("http://", "https://")):
        raise BadInput(
            f"{uri}: no MLflow server is known",
            fix="set MLFLOW_TRACKING_URI to its http:// or https:// address",
        )
    with Registry(source.tracking_uri, source.environment) as registry:
        version = registry.find(uri)
        pinned = expected or version.digest
        if pinned is None:
            raise BadInput(
                f"{uri} was not registered by Timonel: it has no tag {DIGEST_TAG}",
                fix="give its digest with --digest",
            )
        package = _brought(uri, source, pinned, lambda into: registry.download(version, into))
    return Found(package, version.number)


def _brought(
    uri: str, source: Source, expected: str | None, bring: Callable[[Path], None]
) -> Package:
    """The package in the cache: as it is there where a digest says which, else fetched anew."""
    place = source.cache / (expected or hashlib.sha256(uri.encode()).hexdigest())
    if expected is not None and place.exists():
        try:
            return open_package(place, expected_digest=expected)
        except (BadInput, Corrupt):
            pass  # a spoilt copy is fetched anew
    try:
        with staged_directory(place) as stage:
            bring(stage)
            _verified(uri, stage, expected)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        raise BadInput(
            f"{uri} cannot be brought to {source.cache}: {error.strerror}",
            fix="point storage.directory at a folder that this process may write to",
        ) from None
    return open_package(place, expected_digest=expected)


def _verified(uri: str, stage: Path, expected: str | None) -> None:
    """Open the copy; what is wrong with it is said of the address, not of a folder that vanishes."""
    try:
        open_package(stage, expected_digest=expected)
    except (BadInput, Corrupt) as error:
        message = error.message.replace(os.fspath(stage), uri)
        raise type(error)(message, why=error.why, fix=error.fix) from None
