"""Model packages and the files under them: whole, verified, or not used."""

import errno
from pathlib import Path

import pytest

from timonel.errors import BadInput, Corrupt, Unavailable
from timonel.files import staged_directory, staged_file
from timonel.package import Manifest, Origin, digest_files, open_package, seal_package
from timonel.terms import Task


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "package"
    path.mkdir()
    (path / "model.onnx").write_bytes(b"onnx")
    (path / "contract.json").write_text("{}")
    origin = Origin(
        data_uri="data",
        data_version=3,
        git_commit=None,
        run_id=None,
        created_at="2026-01-01T00:00:00Z",
        libraries={},
    )
    manifest = Manifest(
        model="fraud",
        task=Task.BINARY,
        candidate="logistic",
        backend="onnx",
        origin=origin,
        files=digest_files(path),
    )
    seal_package(path, manifest)
    return path


def test_an_untouched_package_opens(package: Path) -> None:
    """A sealed package opens, and its digest is the same each time."""
    first, second = open_package(package), open_package(package)
    assert first.manifest.origin.data_version == 3
    assert first.digest == second.digest
    assert open_package(package, expected_digest=first.digest) == first


def test_a_changed_file_is_refused(package: Path) -> None:
    """One changed byte anywhere keeps the package from being used."""
    (package / "model.onnx").write_bytes(b"0nnx")
    with pytest.raises(Corrupt, match=r"model\.onnx has SHA-256 .* the manifest says"):
        open_package(package)


def test_a_missing_and_an_added_file_are_refused(package: Path) -> None:
    """Files may neither vanish nor appear."""
    (package / "extra.pkl").write_bytes(b"")
    with pytest.raises(Corrupt, match=r"extra\.pkl is not in the manifest"):
        open_package(package)
    (package / "extra.pkl").unlink()
    (package / "contract.json").unlink()
    with pytest.raises(Corrupt, match=r"contract\.json is missing"):
        open_package(package)


def test_another_package_than_the_expected_is_refused(package: Path) -> None:
    """A package that is whole but not the registered one is refused."""
    with pytest.raises(Corrupt, match="not the package that was registered"):
        open_package(package, expected_digest="0" * 64)


def test_no_package_says_what_to_give(tmp_path: Path) -> None:
    """A folder without a manifest is the caller's mistake, not a corruption."""
    with pytest.raises(BadInput, match="no model package"):
        open_package(tmp_path)


def test_a_staged_directory_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """A failure in the middle leaves what was there before, and no rubbish."""
    final = tmp_path / "final"
    with staged_directory(final) as stage:
        (stage / "a").write_text("first")
    with pytest.raises(ZeroDivisionError), staged_directory(final) as stage:
        (stage / "a").write_text("second")
        raise ZeroDivisionError
    assert (final / "a").read_text() == "first"
    assert list(tmp_path.iterdir()) == [final]


def test_a_full_disk_says_where_and_leaves_nothing(tmp_path: Path) -> None:
    """No space left is an error that names the place, and the half-written file is gone."""
    with pytest.raises(Unavailable, match=r"the disk that holds .*report is full"):
        with staged_file(tmp_path / "report"):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []
