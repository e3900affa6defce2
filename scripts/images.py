#!/usr/bin/env python3
"""Print the images of this repository as the matrix of a workflow: one for each Dockerfile that git knows.

`serving/predictor.Dockerfile` and `serving/predictor/Dockerfile` make `predictor`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import PurePosixPath


def image_of(path: str) -> str:
    """Return the name of the image that a Dockerfile makes."""
    file = PurePosixPath(path)
    if file.name == "Dockerfile":
        return file.parent.name
    return file.name.removesuffix(".Dockerfile").removeprefix("Dockerfile.")


def main() -> None:
    """Print the matrix as one line of JSON."""
    patterns = ["*/Dockerfile", "*.Dockerfile", "*/Dockerfile.*", ":!tests"]
    listed = subprocess.run(
        ["git", "ls-files", *patterns],  # noqa: S607 - git as the runner has it
        check=True,
        capture_output=True,
        text=True,
    )
    found = [{"image": image_of(path), "file": path} for path in sorted(listed.stdout.split())]
    print(json.dumps({"include": found}))


if __name__ == "__main__":
    main()
