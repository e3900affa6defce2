"""The explainer as a child of `timonel serve --explain`: its own process, which stops with the parent."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from timonel.errors import BadInput
from timonel.package import Package
from timonel.terms import Task

START = "from timonel.cli.main import run; run()"
GRACE = 2.0
"""Seconds beyond its time to drain before an explainer that does not end is killed."""


def check_explainable(package: Package) -> None:
    """Raise `BadInput` for a model that has no features to explain a score by."""
    if package.manifest.task is Task.RANKING:
        raise BadInput(
            f"{package.manifest.model} is a ranking: it has no features that an explanation could name",
            fix="serve it without --explain",
        )


@contextmanager
def explainer_beside(
    arguments: Sequence[str], announce: Callable[[dict[str, Any]], None], drain_seconds: float
) -> Iterator[None]:
    """Run `timonel explainer` with these arguments for as long as the block runs.

    Its announcement is passed on. Should it fail, standard error says so and the block goes on.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", START, "explainer", *arguments, "--json", "--with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches the parent alone, which stops the child
    )
    stopping = threading.Event()
    watcher = threading.Thread(target=_watch, args=(child, announce, stopping), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stopping.set()
        _stop(child, drain_seconds + GRACE)
        watcher.join(1.0)


def end_with_parent() -> None:
    """Make this process drain when the parent's end of standard input closes, however it came to that."""

    def wait() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _watch(
    child: "subprocess.Popen[str]",
    announce: Callable[[dict[str, Any]], None],
    stopping: threading.Event,
) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        announce(json.loads(line))
    code = child.wait()
    if not stopping.is_set():
        sys.stderr.write(
            f"warning: the explainer ended with exit code {code}: predictions go on without it\n"
        )
        sys.stderr.flush()


def _stop(child: "subprocess.Popen[str]", seconds: float) -> None:
    child.terminate()
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
