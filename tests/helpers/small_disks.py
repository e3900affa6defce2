"""A disk that is soon full: a small tmpfs of a user namespace, so that no root is needed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_NAMESPACE = ("unshare", "-Urm")

needs_small_disk = pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run([*_NAMESPACE, "true"], check=False, capture_output=True).returncode != 0,
    reason="needs user namespaces to mount a small disk",
)


def on_small_disk(folder: Path, size: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code whose argument is `folder`/disk, an empty disk of this size, such as 2m."""
    disk, script = folder / "disk", folder / "fill.py"
    disk.mkdir()
    script.write_text(code)
    mount = f"mount -t tmpfs -o size={size} tmpfs {disk} && exec {sys.executable} {script} {disk}"
    return subprocess.run(
        [*_NAMESPACE, "sh", "-c", mount],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
