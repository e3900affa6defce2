"""The journal of a run: what each step did, appended by the steps, followed by whoever watches.

One line of JSON an event. Steps run in processes of their own, on a laptop as children of the run, on
a cluster as pods: there no journal is kept, and a step prints its note instead.
"""

import os
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from timonel import errors

RUN_DIRECTORY = "TIMONEL_RUN_DIRECTORY"
"""The environment variable that tells a step where its run keeps the journal."""

FRAMES = 4
FULL = ("No space left on device", "Disk quota exceeded", "database or disk is full")


class Failure(BaseModel):
    """Why a step failed, whole enough to raise it again in another process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """The class of the error."""
    message: str
    why: str | None = None
    fix: str | None = None
    expected: bool = False
    """Whether it is an error meant for the user rather than a defect."""
    trace: str = ""
    """The frames that matter: the last of our own, and where it broke."""

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Record an error that is being handled."""
        error = _explained(error)
        kind = type(error).__name__
        if isinstance(error, errors.TimonelError):
            return cls(
                kind=kind, message=error.message, why=error.why, fix=error.fix, expected=True
            )
        return cls(kind=kind, message=str(error), trace=_trace(error))


def _trace(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [n for n, frame in enumerate(frames) if "timonel" in frame.filename][-FRAMES:]
    kept = sorted({*ours, *range(len(frames))[-1:]})
    return "".join(traceback.format_list([frames[n] for n in kept])).rstrip()


def _explained(error: BaseException) -> BaseException:
    """A full disk in the words for it: databases and libraries each have their own."""
    if isinstance(error, errors.TimonelError) or not any(sign in str(error) for sign in FULL):
        return error
    return errors.Unavailable(
        "the disk that holds the workspace is full: the step could not write",
        fix="free some space, or point storage.directory at another disk, and run it again",
    )


class Event(BaseModel):
    """One line of the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    item: str = ""
    """Which of several alike: the candidate."""
    state: Literal["started", "done", "failed"]
    at: float
    """Seconds since the epoch."""
    note: str = ""
    """What came of it, in a line for people."""
    facts: dict[str, Any] = {}
    """What came of it, for programs."""
    failure: Failure | None = None


@dataclass
class Outcome:
    """What a step has to say when it is done."""

    note: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Journal:
    """The journal of one run; `path` is None where nobody follows it."""

    path: Path | None

    @classmethod
    def of(cls, run_directory: Path) -> "Journal":
        """The journal in a run's directory."""
        return cls(run_directory / "journal.jsonl")

    @classmethod
    def from_environment(cls) -> "Journal":
        """The journal of the run that this process is a step of."""
        directory = os.environ.get(RUN_DIRECTORY)
        return cls.of(Path(directory)) if directory else cls(None)

    def keep(self, directory: Path, name: str) -> None:
        """Copy a directory to where a person finds it after the run."""
        if self.path is not None:
            shutil.copytree(directory, self.path.parent / name)

    def write(self, event: Event) -> None:
        """Append an event; a line reaches the file at once and whole."""
        line = event.model_dump_json(exclude_defaults=True) + "\n"
        if self.path is None:
            sys.stdout.write(f"{event.step} {event.item} {event.state}: {event.note}\n")
            return
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def read(self, offset: int = 0) -> tuple[list[Event], int]:
        """The events from `offset` on, and the offset behind them."""
        if self.path is None or not self.path.exists():
            return [], offset
        with self.path.open("rb") as stream:
            stream.seek(offset)
            lines = stream.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        events = [Event.model_validate_json(line) for line in whole.splitlines()]
        return events, offset + len(whole)


@contextmanager
def step(name: str, item: str = "") -> Iterator[Outcome]:
    """Record that a step starts and how it ends; fill in the outcome inside the block."""
    journal, outcome = Journal.from_environment(), Outcome()
    journal.write(Event(step=name, item=item, state="started", at=time.time()))
    try:
        yield outcome
    except BaseException as error:
        failed = Event(
            step=name, item=item, state="failed", at=time.time(), failure=Failure.of(error)
        )
        journal.write(failed)
        raise
    done = Event(
        step=name,
        item=item,
        state="done",
        at=time.time(),
        note=outcome.note,
        facts=outcome.facts,
    )
    journal.write(done)
