"""What is to be served is found before anything is loaded, and a wish that cannot be met says why."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from packages import SETTINGS, Built
from servers import TIMONEL
from timonel import registries
from timonel.errors import BadInput, Corrupt
from timonel.package import open_package
from timonel.registries import RegisteredPackage
from timonel_serving import launch
from timonel_serving.launch import Wish, resolve


def wish(folder: Path, **changes: Any) -> Wish:
    """A wish to serve what the registry of a folder's timonel.yaml has."""
    config = folder / "timonel.yaml"
    config.write_text(SETTINGS.format(task="binary") + "serving: {port: 1234, max_queue: 3}\n")
    known: dict[str, Any] = {"package": None, "alias": None, "version": None, "overrides": {}}
    return Wish(config, **{**known, **changes})


def test_flags_override_the_settings(loans: Built, tmp_path: Path) -> None:
    """A flag wins over timonel.yaml, which wins over the default; the version is the digest's start."""
    found = wish(tmp_path, package=loans.package.path, overrides={"port": 0, "grpc_port": None})
    package, version, settings = resolve(found)
    assert (settings.port, settings.grpc_port, settings.max_queue) == (0, None, 3)
    assert settings.max_batch == 10_000
    assert version == package.digest[:12]


def test_the_registry_is_asked_for_the_alias_and_its_digest_is_checked(
    loans: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The champion by default; a package that is not the registered one is not served."""
    asked: list[str] = []
    digest = open_package(loans.package.path).digest

    def registry(config: Any, wanted: str) -> RegisteredPackage:
        asked.append(wanted)
        return RegisteredPackage(loans.package.path, "3", digest if wanted == "champion" else "0")

    monkeypatch.setattr(launch, "find_registry", lambda: registry)
    assert resolve(wish(tmp_path))[1] == "3"
    with pytest.raises(Corrupt, match="not the package that was registered"):
        resolve(wish(tmp_path, alias="challenger"))
    assert asked == ["champion", "challenger"]
    with pytest.raises(BadInput, match="both name a version"):
        resolve(wish(tmp_path, alias="champion", version="1"))


def test_without_a_registry_the_message_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no package provides a registry, --package is what is left."""
    monkeypatch.setattr(registries, "entry_points", lambda group: ())
    with pytest.raises(BadInput, match="--package"):
        resolve(wish(tmp_path))


def test_nothing_to_serve_is_said_without_a_traceback(tmp_path: Path) -> None:
    """In a folder without a timonel.yaml the command says what is missing."""
    done = subprocess.run([TIMONEL, "serve"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: timonel.yaml: no such file")
