"""Writes the reference of the command line from the application itself."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from timonel.cli.main import build


def describe_commands() -> str:
    """Every command with its arguments and options, as Markdown."""
    app = build()
    app.rich_markup_mode = None  # plain text: tables are made here
    top = get_command(app)
    return "\n".join(
        line for path, command in _walk("timonel", top) for line in _page(path, command)
    )


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    for name, child in getattr(command, "commands", {}).items():
        below = f"{path} {name}"
        if hasattr(child, "commands"):
            yield from _walk(below, child)
        else:
            yield below, child


def _page(path: str, command: Any) -> Iterator[str]:
    context = command.make_context(path, [], resilient_parsing=True)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield from (
        f"## {path}",
        "",
        *(command.help or "").splitlines(),
        "",
        f"```text\n{usage}\n```",
        "",
    )
    records = [p.get_help_record(context) for p in command.params]
    rows = [_row(*record) for record in records if record]
    if rows:
        yield from ("| argument or option | meaning |", "|---|---|", *rows, "")


def _row(spelling: str, text: str) -> str:
    return f"| <code>{_cell(spelling)}</code> | {_cell(text) or '-'} |"


def _cell(text: str) -> str:
    plain = " ".join(text.split())
    return plain.replace("<", "&lt;").replace(">", "&gt;").replace("|", "&#124;")
