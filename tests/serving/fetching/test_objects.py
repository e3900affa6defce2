"""Packages on a real object store: brought whole, verified, or refused with a sentence."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from object_store import BUCKET, ObjectStore, free_ports, object_store
from packages import Built
from servers import TIMONEL
from timonel.errors import BadInput, Corrupt, Denied, Unavailable
from timonel_serving.fetching.bounds import Entry, Limits, check_listing
from timonel_serving.fetching.objects import download
from timonel_serving.fetching.package import Source, find_package


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A running store."""
    with object_store(tmp_path_factory.mktemp("store")) as found:
        yield found


@pytest.fixture(scope="module")
def uri(store: ObjectStore, loans: Built) -> str:
    """The address of a package on the store."""
    root = loans.package.path
    for file in root.rglob("*"):
        if file.is_file():
            store.put(file, f"loans/1/{file.relative_to(root).as_posix()}")
    return f"s3://{BUCKET}/loans/1"


@pytest.fixture
def source(store: ObjectStore, tmp_path: Path) -> Source:
    """An empty cache, and the way to the store."""
    return Source(tmp_path / "cache", store.environment)


def test_a_package_comes_from_an_object_store(uri: str, source: Source, loans: Built) -> None:
    """All files, verified against the digest, in a folder of the cache that bears the digest's name."""
    digest = loans.package.digest
    found = find_package(uri + "/", source, f"sha256:{digest}").package
    assert (found.digest, found.path.name, found.path.parent) == (digest, digest, source.cache)
    assert find_package(uri, source).package.digest == digest


def test_what_a_digest_names_is_fetched_once(uri: str, source: Source, loans: Built) -> None:
    """A second start needs no store; a copy that was spoilt meanwhile is fetched anew."""
    digest = loans.package.digest
    path = find_package(uri, source, digest).package.path
    away = Source(source.cache, {})
    assert find_package(uri, away, digest).package.path == path
    (path / "contract.json").write_text("{}")
    assert find_package(uri, source, digest).package.digest == digest


def test_another_package_than_the_digests_is_not_kept(
    uri: str, source: Source, loans: Built
) -> None:
    """The error names the address and both digests; nothing is left in the cache."""
    with pytest.raises(Corrupt, match=f"{uri}: the package's digest is .*, expected 000000000000"):
        find_package(uri, source, "0" * 64)
    assert list(source.cache.iterdir()) == []
    with pytest.raises(Corrupt, match="expected 000000000000"):
        find_package(loans.package.path, source, "0" * 64)


def test_a_changed_file_is_told(
    store: ObjectStore, source: Source, loans: Built, tmp_path: Path
) -> None:
    """A model that somebody replaced on the store is refused before it is loaded."""
    copy = shutil.copytree(loans.package.path, tmp_path / "changed")
    (copy / "model.onnx").write_bytes(b"another model")
    for file in copy.iterdir():
        store.put(file, f"changed/{file.name}")
    uri = f"s3://{BUCKET}/changed"
    with pytest.raises(Corrupt, match=rf"{uri}/model.onnx has SHA-256 .*, the manifest says"):
        find_package(uri, source, loans.package.digest)


@pytest.mark.parametrize(
    ("address", "digest", "message"),
    [
        (f"s3://{BUCKET}/nothing", None, "nothing is there"),
        ("s3://no-such-bucket/x", None, "nothing is there"),
        (f"s3://{BUCKET}/ready", None, "nothing is there"),
        ("https://example.com/x", None, "https: is not known here"),
        ("pvc://claim/x", None, "pvc: is not known here"),
        ("models:/loans/1", None, "no MLflow server is known"),
        ("/no/such/folder", None, "no model package"),
        ("file:///no/such/folder", None, "no model package"),
        (f"s3://{BUCKET}/loans/1", "abc", "expected the 64 hexadecimal digits"),
    ],
)
def test_what_cannot_be_found_is_said(
    address: str, digest: str | None, message: str, source: Source
) -> None:
    """A sentence that names the address, and no half of a package."""
    with pytest.raises(BadInput, match=message):
        find_package(address, source, digest)
    assert not source.cache.exists() or list(source.cache.iterdir()) == []


def test_keys_that_do_not_suffice_are_told(uri: str, store: ObjectStore, tmp_path: Path) -> None:
    """A wrong key is `Denied`, a store that does not answer `Unavailable`."""
    wrong = store.environment | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    with pytest.raises(Denied, match="access denied"):
        find_package(uri, Source(tmp_path, wrong))
    nobody = store.environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_ports(1)[0]}"}
    with pytest.raises(Unavailable, match=f"{uri} cannot be read"):
        find_package(uri, Source(tmp_path, nobody))


def test_what_is_too_large_is_not_begun(uri: str, store: ObjectStore, tmp_path: Path) -> None:
    """More files or bytes than allowed: refused by the listing, before a byte is copied."""
    for limits in (Limits(files=2), Limits(size=100)):
        with pytest.raises(BadInput, match="expected at most"):
            download(uri, tmp_path / "into", store.environment, limits)
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "a\\x"])
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    """A store is not trusted with the names of files."""
    with pytest.raises(BadInput, match="leads out of the folder"):
        check_listing("s3://bucket/x", [Entry(name, 1)], Limits())


def test_the_command_ends_with_a_sentence(uri: str, store: ObjectStore, tmp_path: Path) -> None:
    """`timonel serve` with a wrong digest: exit code 1, one error, no traceback."""
    done = subprocess.run(
        [TIMONEL, "serve", "--package", uri, "--digest", "0" * 64],
        cwd=tmp_path,
        env=os.environ | store.environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {uri}: the package's digest is")
