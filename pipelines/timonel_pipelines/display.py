"""How a run looks while it goes on: a bar on a terminal, a line a step everywhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from timonel_pipelines.journal import Event

TITLES = {
    "prepare": "data",
    "train": "train",
    "evaluate": "evaluate",
    "register": "register",
    "refuse": "refused",
}
LAST = ("register", "refuse")
AROUND = 3
"""Steps besides the candidates: data, evaluation, registration."""


class Screen(Protocol):
    """Where the lines of a run go."""

    def line(self, text: str) -> None:
        """Show a line that stays."""

    def status(self, text: str, done: int) -> None:
        """Show what is being done now, and how many steps are."""


class Quiet:
    """Shows nothing."""

    def line(self, text: str) -> None:
        """Say nothing."""

    def status(self, text: str, done: int) -> None:
        """Say nothing."""


class Plain:
    """Lines on standard error, for logs and pipes."""

    def line(self, text: str) -> None:
        """Write the line."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def status(self, text: str, done: int) -> None:
        """A log needs no moving status."""


class Story:
    """Tells a run step by step on a screen."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.started: dict[tuple[str, str], float] = {}
        self.done = 0
        self.ended = False

    def event(self, event: Event) -> None:
        """Show what a step came to, and what is being done now."""
        key = (event.step, event.item)
        if event.state == "started":
            self.started[key] = event.at
        else:
            seconds = event.at - self.started.pop(key, event.at)
            self.done += 1
            self.ended = event.step in LAST
            if event.state == "done":
                self.screen.line(_told(event, seconds))
        self.screen.status(self._now(), self.done)

    def stopping(self) -> None:
        """Say at once that the interrupt was heard."""
        self.screen.line("stopping: ending the steps")

    def _now(self) -> str:
        running = (" ".join(filter(None, (TITLES[s], item))) for s, item in self.started)
        return ", ".join(running) or ("finishing" if self.ended else "starting the next step")


@contextmanager
def story(steps: int, *, quiet: bool = False) -> Iterator[Story]:
    """A story of `steps` steps, on what the process has: a terminal, or a pipe."""
    if quiet:
        yield Story(Quiet())
    elif sys.stderr.isatty():
        with _terminal(steps) as screen:
            yield Story(screen)
    else:
        yield Story(Plain())


def _told(event: Event, seconds: float) -> str:
    return f"  {TITLES[event.step]:<9} {event.item:<20} {seconds:6.1f} s   {event.note}".rstrip()


@contextmanager
def _terminal(steps: int) -> Iterator[Screen]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=steps)

        class Terminal:
            def line(self, text: str) -> None:
                bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

            def status(self, text: str, done: int) -> None:
                bar.update(task, description=text, completed=done)

        yield Terminal()
