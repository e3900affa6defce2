"""Dockerfiles keep hadolint's rules, and each is found by the workflow that builds images."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("[!.]*/*.Dockerfile"))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_dockerfile_is_clean(file: Path) -> None:
    """No finding of hadolint's."""
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("make test-infra runs this in a venv of its own")
    done = subprocess.run([hadolint, file], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_there_is_a_dockerfile_for_each_image() -> None:
    """The five that chart and workflows name."""
    images = {file.stem for file in FILES}
    assert images == {"predictor", "detector", "monitor", "component", "release"}
