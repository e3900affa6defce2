"""What commands show while they work: a progress bar on a terminal, plain lines elsewhere.

Progress goes to standard error, so that standard output holds the result alone.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Advance = Callable[[float], None]
"""Tells how much more is done."""

PLAIN_INTERVAL = 2.0
"""Seconds between two plain lines."""


def short_path(path: Path) -> str:
    """A path as one would type it here: relative where it lies below the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


@contextmanager
def progress(
    what: str, total: float | None, unit: str, *, quiet: bool = False
) -> Iterator[Advance]:
    """Show how far a task of `total` units has come (None: unknown); yields the function to advance it."""
    if quiet:
        yield lambda amount: None
    elif sys.stderr.isatty():
        with _bar(what, total, unit) as advance:
            yield advance
    else:
        with _lines(what, total, unit) as advance:
            yield advance


@contextmanager
def _bar(what: str, total: float | None, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} " + unit),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda amount: bar.update(task, advance=amount)


@contextmanager
def _lines(what: str, total: float | None, unit: str) -> Iterator[Advance]:
    done, last = 0.0, time.monotonic()

    def advance(amount: float) -> None:
        nonlocal done, last
        done += amount
        if time.monotonic() - last >= PLAIN_INTERVAL:
            last = time.monotonic()
            of = f" of {total:,.0f}" if total else ""
            sys.stderr.write(f"{what}: {done:,.0f}{of} {unit}\n")
            sys.stderr.flush()

    yield advance
