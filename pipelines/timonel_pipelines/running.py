"""Runs the training pipeline on this machine, and tells whoever listens how it goes."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Protocol

from timonel.config import Config
from timonel.workspace import Workspace
from timonel_components.tracking.environment import git_commit
from timonel_components.tracking.runs import Status
from timonel_pipelines.closing import close_runs
from timonel_pipelines.driver import WORK, Orders
from timonel_pipelines.journal import RUN_DIRECTORY, Event, Journal
from timonel_pipelines.platform import Platform
from timonel_pipelines.processes import ProcessGroup
from timonel_pipelines.troubles import overdue, raise_failure, unexplained

POLL_SECONDS = 0.1


class Watcher(Protocol):
    """Who is told how a run goes."""

    def event(self, event: Event) -> None:
        """A step started or ended."""

    def stopping(self) -> None:
        """The run was interrupted: its steps are being ended."""


@dataclass(frozen=True)
class Source:
    """A timonel.yaml that was read: its text, its meaning, where it stands, the commit it is of.

    `request` is the key of the decision that asks for the training, if one does.
    """

    config: Config
    text: str
    commit: str
    request: str = ""

    @classmethod
    def of(cls, config: Config, path: Path) -> "Source":
        """Take the text of settings that were loaded from `path`."""
        return cls(config, path.read_text(encoding="utf-8"), git_commit(path.parent) or "")


@dataclass(frozen=True)
class Run:
    """A finished run: where it is and what its steps said."""

    directory: Path
    events: tuple[Event, ...]
    seconds: float

    @property
    def log(self) -> Path:
        """All output of the steps and of KFP."""
        return self.directory / "log.txt"

    def done(self, step: str) -> Event | None:
        """The event that a step ended with, if it ran."""
        return next((e for e in self.events if e.step == step and e.state == "done"), None)


def run_here(source: Source, watcher: Watcher) -> Run:
    """Run the pipeline with kfp.local; raises the error of the step that failed.

    One training of a model at a time: `Busy` else. However this ends, no process is left behind.
    """
    workspace = Workspace.of(source.config)
    with workspace.single_training():
        _sweep(workspace)
        directory = _new_directory(workspace)
        platform = Platform.of(source.config).on_this_machine()
        base = os.fspath(source.config.base.absolute())
        Orders(platform, source.text, base, source.commit, source.request).save(directory)
        started = time.time()
        events = _complete(directory, source.config, platform.timeout_seconds, watcher)
        return Run(directory, tuple(events), time.time() - started)


def _complete(
    directory: Path, config: Config, timeout_seconds: float, watcher: Watcher
) -> list[Event]:
    """Run the pipeline to its end; one that ends early leaves no tracking run open."""
    try:
        with _pipeline(directory) as group:
            try:
                return _follow(directory, group, timeout_seconds, watcher)
            except KeyboardInterrupt:
                watcher.stopping()
                raise
    except BaseException as error:
        status: Status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        for event in Journal.of(directory).read()[0]:
            if run_id := event.facts.get("tracking_run"):
                close_runs(config, run_id, status)
        raise


def _new_directory(workspace: Workspace) -> Path:
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    directory = workspace.runs / f"{workspace.model}-{stamp}-{token_hex(2)}"
    (directory / WORK).mkdir(parents=True)
    return directory


def _sweep(workspace: Workspace) -> None:
    """Remove working files of runs of this model that were killed: none is running now."""
    for work in workspace.runs.glob(f"{workspace.model}-????????-??????-????/{WORK}"):
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _pipeline(directory: Path) -> Iterator[ProcessGroup]:
    """The process that runs the pipeline; afterwards it and its working files are gone."""
    # the steps' temporary files have a short path: sockets among them must not exceed 108 characters
    with tempfile.TemporaryDirectory(prefix="timonel-", ignore_cleanup_errors=True) as scratch:
        group = ProcessGroup.start(
            [sys.executable, "-m", "timonel_pipelines.driver", os.fspath(directory)],
            directory / "log.txt",
            {RUN_DIRECTORY: os.fspath(directory), "TMPDIR": scratch, "PYTHONUNBUFFERED": "1"},
        )
        try:
            yield group
        finally:
            group.stop()
            shutil.rmtree(directory / WORK, ignore_errors=True)


def _follow(
    directory: Path, group: ProcessGroup, timeout_seconds: float, watcher: Watcher
) -> list[Event]:
    journal, seen, offset = Journal.of(directory), list[Event](), 0
    while True:
        ended = group.ended
        events, offset = journal.read(offset)
        for event in events:
            watcher.event(event)
            raise_failure(event, directory)
        seen += events
        if ended:
            break
        overdue(seen, timeout_seconds)
        time.sleep(POLL_SECONDS)
    if group.leader.returncode != 0:
        raise unexplained(seen, directory)
    return seen
