"""`timonel ledger`: the tables of what was predicted, labelled, measured and decided.

Heavy imports stay inside the functions.
"""

import json
import os
import secrets
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timonel.cli.ledger_fold import fold
from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json

if TYPE_CHECKING:
    from timonel.ledger import Ledger, Removal

BROKEN_EXIT, AGAIN_EXIT = 10, 20

Address = Annotated[
    str | None,
    typer.Option("--ledger", help="A directory or s3:// address, instead of the settings' one."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    ledger = typer.Typer(
        help="What was predicted, labelled, measured and decided.", no_args_is_help=True
    )
    for command in (query, log, fold, verify, compact, retain, erase):
        ledger.command(command.__name__)(command)
    app.add_typer(ledger, name="ledger")


def query(
    sql: Annotated[
        str, typer.Argument(help="A SELECT over predictions, labels, windows and decisions.")
    ],
    config: ConfigPath = DEFAULT_CONFIG,
    ledger: Address = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows shown at most; 0: all.")] = 1000,
    as_json: Json = False,
) -> None:
    """Print the rows that a SELECT gives. It can read the four tables and nothing else, and write nothing."""
    from timonel.cli.ledger_show import as_rows, show_table

    # one more than is shown, to tell whether there are more
    table = _open(config, ledger).query(sql, limit + 1 if limit else None)
    more = bool(limit) and table.num_rows > limit
    table = table.slice(0, limit) if more else table
    if as_json:
        found = {"columns": table.column_names, "rows": as_rows(table), "more": more}
        typer.echo(json.dumps(found, ensure_ascii=False, allow_nan=False))
        return
    typer.echo(show_table(table))
    if more:
        typer.echo(f"the first {limit:,} rows; --limit 0 shows all", err=True)


def log(
    config: ConfigPath = DEFAULT_CONFIG,
    ledger: Address = None,
    kind: Annotated[str | None, typer.Option(help="Only decisions of this kind.")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 50,
    as_json: Json = False,
) -> None:
    """Print the timeline of decisions, the oldest first."""
    from timonel.cli.ledger_show import as_decision, timeline

    found = [
        record
        for record in _open(config, ledger).decisions()
        if kind in (None, record.kind) and model in (None, record.model)
    ][-last:]
    if as_json:
        typer.echo(json.dumps({"decisions": [as_decision(record) for record in found]}))
    else:
        typer.echo(timeline(found) if found else "no decisions")


def verify(
    config: ConfigPath = DEFAULT_CONFIG,
    ledger: Address = None,
    head: Annotated[
        str | None,
        typer.Option(help="A hash that an earlier verify printed: it must still be in the chain."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that no decision was changed, removed or reordered. Exits with 10 if one was."""
    from dataclasses import asdict

    verdict = _open(config, ledger).verify(head)
    if as_json:
        typer.echo(json.dumps(asdict(verdict) | {"whole": verdict.whole}))
    else:
        for breach in verdict.breaches:
            typer.echo(f"BROKEN  {breach.what}")
        if verdict.whole:
            typer.echo(f"WHOLE  {verdict.records} decisions, head {verdict.head}")
    if not verdict.whole:
        sys.exit(BROKEN_EXIT)


def compact(config: ConfigPath = DEFAULT_CONFIG, ledger: Address = None) -> None:
    """Join small files into large ones; writers and readers go on meanwhile."""
    done = _open(config, ledger).compact()
    for table in done:
        files = f"files {table.before:,} -> {table.after:,}"
        typer.echo(f"{table.table}: {files}, {table.deleted:,} old ones deleted")
    if not done:
        typer.echo("the ledger is empty")


def retain(
    keep: Annotated[str, typer.Option(help="How far back rows are kept, such as 400d.")],
    config: ConfigPath = DEFAULT_CONFIG,
    ledger: Address = None,
    yes: Yes = False,
) -> None:
    """Remove predictions, labels and windows that are older, by whole days; decisions stay."""
    opened, now = _open(config, ledger), datetime.now(UTC)
    before = _first_day(keep, now)
    _confirm(f"Remove all rows of the days before {before.isoformat()}?", yes)
    _report(opened.drop_before(before, now))


def erase(
    entity: Annotated[str, typer.Option(help="The entity, as the column entity names it.")],
    config: ConfigPath = DEFAULT_CONFIG,
    ledger: Address = None,
    yes: Yes = False,
) -> None:
    """Remove an entity's predictions and labels from all files, and record that it was done.

    The record does not name the entity. The receipt that is printed proves whom it speaks of. Exits with
    20 if writes under way may still hold rows: then run it again in an hour.
    """
    opened, receipt = _open(config, ledger), secrets.token_hex(16)
    _confirm(f"Remove all rows of {entity} for good?", yes)
    removal = opened.erase(entity, datetime.now(UTC), receipt)
    _report(removal)
    typer.echo(f"receipt: {receipt}")
    if removal.pending:
        sys.exit(AGAIN_EXIT)


def _open(config: Path, address: str | None) -> "Ledger":
    from timonel.config import load_config
    from timonel.ledger import Ledger, Place

    uri = address if address is not None else load_config(config).ledger
    return Ledger(Place.of(uri, os.environ))


def _first_day(keep: str, now: datetime) -> date:
    from timonel.durations import parse_duration
    from timonel.errors import BadInput

    try:
        span = parse_duration(keep)
        return (now - max(span, timedelta())).date()
    except (ValueError, OverflowError) as error:
        raise BadInput(f"--keep is {keep!r}: {error}", fix="use such as 400d") from None


def _confirm(question: str, yes: bool) -> None:
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True)


def _report(removal: "Removal") -> None:
    for table, rows in removal.rows.items():
        typer.echo(f"{table}: {rows:,} rows removed")
    typer.echo(f"files deleted: {removal.files:,}")
    if removal.pending:
        typer.echo(
            f"{removal.pending} files of writes that have not ended remain: run it again in an hour"
        )
