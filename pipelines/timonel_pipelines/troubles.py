"""What to tell a person when a step of a run fails: the step's own words, never the engine's."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from timonel.errors import TimonelError, Unavailable
from timonel_pipelines.journal import Event, Failure

LAST_LINES = 12
LEAST_FREE_BYTES = 1 << 20


def raise_failure(event: Event, directory: Path) -> None:
    """Raise the error that an event tells of, if it does, as if the step had run right here."""
    if event.failure is None:
        return
    if event.failure.expected:
        raise _expected(event.failure)
    if event.failure.kind == "KeyboardInterrupt":
        raise KeyboardInterrupt
    failure = event.failure
    raise TimonelError(
        f"{_name(event)} failed: {failure.kind}: {failure.message}\n{failure.trace}",
        fix=f"if this is not your data or your settings, it is a defect; the whole log: {_log(directory)}",
    )


def unexplained(events: Sequence[Event], directory: Path) -> TimonelError:
    """The error for a run that ended without a step saying why."""
    if shutil.disk_usage(directory).free < LEAST_FREE_BYTES:
        return Unavailable(
            f"the disk that holds {directory} is full: the run could not go on",
            fix="free some space, or point storage.directory at another disk, and run it again",
        )
    running = unfinished(events)
    if running:
        return TimonelError(
            f"{_name(running[0])} was killed while it worked",
            why="the system does that to a process when memory runs out",
            fix=f"lower train.max_rows, or give it more memory; the whole log: {_log(directory)}",
        )
    return TimonelError(
        f"the pipeline could not run:\n{_tail(directory)}", fix=f"the whole log: {_log(directory)}"
    )


def overdue(events: Sequence[Event], timeout_seconds: float) -> None:
    """Raise `Unavailable` when a step takes longer than the settings allow."""
    for event in unfinished(events):
        if time.time() - event.at > timeout_seconds:
            raise Unavailable(
                f"{_name(event)} took longer than {timeout_seconds:.0f} s and was stopped",
                fix="raise resources.timeout, or lower train.trials or train.max_rows",
            )


def unfinished(events: Sequence[Event]) -> list[Event]:
    """The steps that started and have not ended, in the order in which they started."""
    ended = {(e.step, e.item) for e in events if e.state != "started"}
    return [e for e in events if e.state == "started" and (e.step, e.item) not in ended]


def _expected(failure: Failure) -> TimonelError:
    known: dict[str, type[TimonelError]] = {k.__name__: k for k in TimonelError.__subclasses__()}
    kind = known.get(failure.kind, TimonelError)
    return kind(failure.message, why=failure.why, fix=failure.fix)


def _name(event: Event) -> str:
    return f"step {event.step}" + (f" ({event.item})" if event.item else "")


def _log(directory: Path) -> Path:
    return directory / "log.txt"


def _tail(directory: Path) -> str:
    lines = _log(directory).read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([line for line in lines if line.strip()][-LAST_LINES:])
