"""The findings on a terminal: one line each, and below what is wrong how to mend it."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from timonel_pipelines.cluster.finding import Finding, Status

_LOOKS = {
    Status.OK: ("ok", "green"),
    Status.WARNING: ("warning", "yellow"),
    Status.FAILURE: ("failure", "bold red"),
}


def show(console: Console, host: str, namespace: str, findings: Sequence[Finding]) -> None:
    """The whole report, failures told last again by their number."""
    console.print(Text(f"cluster {host}, namespace {namespace}", style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in findings:
        word, style = _LOOKS[one.status]
        table.add_row(Text(word, style), one.check, _told(one))
    console.print(Padding(table, (1, 0)))
    console.print(summary(findings))


def _told(one: Finding) -> Text:
    text = Text(one.found)
    if one.status is not Status.OK:
        text.append(f"\nexpected: {one.expected}", style="dim")
        text.append("\nfix: ", style="dim").append(one.fix, style="cyan")
    return text


def summary(findings: Sequence[Finding]) -> Text:
    """How many of each kind, in words."""
    count = Counter(one.status for one in findings)
    failed, warned = count[Status.FAILURE], count[Status.WARNING]
    said = f"{failed} failed, {warned} to look at, {count[Status.OK]} as they should be"
    return Text(said, style="bold red" if failed else "bold green")
