"""A registered version's package, by MLflow's REST interface: without MLflow on this machine.

`models:/NAME/VERSION` or `models:/NAME@ALIAS`. Artifacts come through the server where it proxies them
(`mlflow-artifacts:`), else straight from the object store that they are on.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from timonel.errors import BadInput, Corrupt, Denied, TimonelError, Unavailable
from timonel_serving.fetching.bounds import CHUNK, Entry, Limits, check_listing
from timonel_serving.fetching.objects import download, on_object_store

DIGEST_TAG = "timonel.package.digest"
"""The registered package's digest: what `timonel train` wrote beside the version."""
FOLDER = "package"
"""Where in a version's artifacts the package lies."""
_NAMED = re.compile(r"models:/(?P<name>[^/@]+)(/(?P<version>\d+)|@(?P<alias>[^/@]+))")
_API, _ARTIFACTS = "/api/2.0/mlflow", "/api/2.0/mlflow-artifacts/artifacts"
_DEPTH = 8


@dataclass(frozen=True)
class Version:
    """A version as the registry knows it."""

    uri: str
    number: str
    source: str
    digest: str | None


class Registry:
    """An MLflow server. Use it as a context manager."""

    def __init__(self, address: str, environment: Mapping[str, str]) -> None:
        self._address, self._environment = address.rstrip("/"), environment
        user = environment.get("MLFLOW_TRACKING_USERNAME")
        token = environment.get("MLFLOW_TRACKING_TOKEN")
        self._client = httpx.Client(
            auth=(user, environment.get("MLFLOW_TRACKING_PASSWORD", "")) if user else None,
            headers={"Authorization": f"Bearer {token}"} if token and not user else {},
            timeout=httpx.Timeout(60, connect=5),
            transport=httpx.HTTPTransport(retries=2),
        )

    def __enter__(self) -> "Registry":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def find(self, uri: str) -> Version:
        """The version that an address names; raises BadInput where there is none."""
        named = _NAMED.fullmatch(uri)
        if named is None:
            raise BadInput(f"{uri}: expected models:/NAME/VERSION or models:/NAME@ALIAS")
        name, alias = named["name"], named["alias"]
        path = "registered-models/alias" if alias else "model-versions/get"
        asked = {"name": name} | ({"alias": alias} if alias else {"version": named["version"]})
        found = self._json(uri, f"{_API}/{path}", asked)["model_version"]
        tags = {tag["key"]: tag["value"] for tag in found.get("tags", [])}
        located = self._json(
            uri,
            f"{_API}/model-versions/get-download-uri",
            {"name": name, "version": found["version"]},
        )
        return Version(uri, found["version"], located["artifact_uri"], tags.get(DIGEST_TAG))

    def download(self, version: Version, into: Path, limits: Limits | None = None) -> None:
        """Copy the package of a version."""
        source = f"{version.source.rstrip('/')}/{FOLDER}"
        if on_object_store(source):
            return download(source, into, self._environment, limits)
        parts = urlsplit(source)
        if parts.scheme != "mlflow-artifacts":
            raise BadInput(
                f"{version.uri}: its artifacts are at {source}, which this machine cannot reach",
                fix="have the server serve artifacts (--serve-artifacts), or keep them on s3:// or gs://",
            )
        root = parts.path.strip("/")
        entries = list(self._walk(version.uri, root, "", _DEPTH))
        check_listing(version.uri, entries, limits or Limits())
        for entry in entries:
            self._copy(version.uri, f"{root}/{entry.name}", into / entry.name, entry.size)
        return None

    def _walk(self, uri: str, root: str, folder: str, depth: int) -> Iterator[Entry]:
        if depth == 0:
            raise BadInput(f"{uri}: folders in folders, {_DEPTH} deep, expected fewer")
        path = f"{root}/{folder}".rstrip("/")
        for found in self._json(uri, _ARTIFACTS, {"path": path}).get("files", []):
            name = f"{folder}/{found['path']}".lstrip("/")
            if found.get("is_dir"):
                yield from self._walk(uri, root, name, depth - 1)
            else:
                yield Entry(name, int(found.get("file_size") or 0))

    def _copy(self, uri: str, path: str, target: Path, size: int) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        address, got = f"{self._address}{_ARTIFACTS}/{quote(path)}", 0
        try:
            with self._client.stream("GET", address) as answer, target.open("wb") as copy:
                _check(uri, answer)
                for chunk in answer.iter_bytes(CHUNK):
                    got += copy.write(chunk)
                    if got > size:
                        break
        except httpx.HTTPError as error:
            raise self._away(uri, error) from None
        if got != size:
            raise Corrupt(f"{uri}: {target.name} has {got} bytes or more, the listing says {size}")

    def _json(self, uri: str, path: str, asked: dict[str, str]) -> dict[str, Any]:
        try:
            answer = self._client.get(self._address + path, params=asked)
            _check(uri, answer)
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._away(uri, error) from None
        return found

    def _away(self, uri: str, error: Exception) -> TimonelError:
        return Unavailable(
            f"{uri}: the MLflow server {self._address} does not answer as one: {error}",
            fix="check MLFLOW_TRACKING_URI and the network, then try again",
        )


def _check(uri: str, answer: httpx.Response) -> None:
    if answer.is_success:
        return
    answer.read()
    if answer.status_code in (401, 403):
        raise Denied(
            f"{uri}: MLflow answers {answer.status_code}: access denied",
            fix="check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
        )
    said = answer.text[:300]
    if answer.status_code < 500:
        raise BadInput(f"{uri}: MLflow has no such version: {answer.status_code} {said}")
    raise Unavailable(f"{uri}: MLflow answers {answer.status_code}: {said}", fix="try again later")
