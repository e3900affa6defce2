"""`timonel diagnose`: why the model of a ledger got worse. Heavy imports stay inside the function."""

from pathlib import Path
from typing import Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json, Quiet


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("diagnose")(diagnose)


def diagnose(
    config: ConfigPath = DEFAULT_CONFIG,
    ledger: Annotated[
        str | None,
        typer.Option(
            help="A ledger's directory or s3:// address. Default: the one of the settings."
        ),
    ] = None,
    since: Annotated[
        str, typer.Option(help="How long before the newest prediction the trouble may have begun.")
    ] = "14d",
    onset: Annotated[
        str | None,
        typer.Option(help="When it began, in place of --since: such as 2026-03-01T12:00."),
    ] = None,
    reference: Annotated[
        str, typer.Option(help="How much before that is the good time to compare with.")
    ] = "28d",
    seed: Annotated[int, typer.Option(help="Of samples and resamples.")] = 0,
    html: Annotated[
        Path | None, typer.Option(help="Write the report with its pictures to this file.")
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Write it to the ledger's decisions: the page shows it."),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say why a model got worse: causes with their share of the loss, what speaks against each, what to do.

    The registered versions that served score the logged rows again, where the registry is at hand.
    """
    import time
    from dataclasses import replace

    from timonel.cli.console import progress
    from timonel.cli.diagnose_case import open_case
    from timonel.cli.diagnose_page import page
    from timonel.cli.diagnose_story import story
    from timonel.diagnosis import diagnose as ask
    from timonel.files import write_text

    with progress("reading the ledger", None, "rows", quiet=quiet or as_json) as advance:
        asked = open_case(config, ledger, (since, onset, reference), advance)
    begun = time.perf_counter()
    found = ask(asked.case, seed=seed)
    found = replace(
        found,
        missing=(*asked.missing, *found.missing),
        seconds=round(time.perf_counter() - begun, 3),
    )
    if html is not None:
        write_text(html, page(asked, found))
    written = asked.record(found) if record else None
    if as_json:
        typer.echo(found.to_json())
    elif not quiet:
        typer.echo(story(asked, found))
        if written is not None:
            typer.echo(f"\nrecord {written.seq}, {written.hash}")
        typer.echo(f"report: {html}" if html else "pictures: add --html report.html")
