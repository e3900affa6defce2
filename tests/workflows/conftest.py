"""Programs of the runner that are not here, played by scripts that write down how they were called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from played_releases import Monitor, playing

Player = Callable[..., None]


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """One line a call."""
    file = tmp_path / "calls"
    file.touch()
    return file


@pytest.fixture
def played(tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch) -> Player:
    """`played("helm", "exit 3")`: a program on PATH that notes its arguments and does as told."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")

    def play(name: str, body: str = "true") -> None:
        program = place / name
        program.write_text(f'#!/usr/bin/env bash\necho "{name} $*" >> {calls}\n{body}\n')
        program.chmod(0o755)

    return play


@pytest.fixture
def helm(played: Player, tmp_path: Path) -> Player:
    """`helm("exit 3")`: Helm and kubectl on the file `values`, unless Helm does as told before."""

    def play(before: str = "true") -> None:
        play_it = f"exec {sys.executable} {Path(__file__).with_name('helm_played.py')}"
        play_it += f' {tmp_path / "values"} "$@"'
        played("helm", f"{before}\n{play_it}")
        played("kubectl", f'[[ "$*" == *" get "* ]] || exec sleep 60\n{play_it}')

    return play


@pytest.fixture
def monitor() -> Iterator[Callable[..., Monitor]]:
    """`monitor(answer, ...)`: a monitor that gives these, and then the last again and again."""
    yield from playing()
