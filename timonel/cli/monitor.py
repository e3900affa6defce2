"""`timonel monitor`: what a log of predictions says of the model. Heavy imports stay inside the function."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from timonel.cli.options import Json, Quiet

ALARM_EXIT = 10


class FailOn(StrEnum):
    """From which severity on the command fails."""

    INFO = "info"
    TICKET = "ticket"
    PAGE = "page"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("monitor")(monitor)


def monitor(
    log: Annotated[
        Path | None, typer.Argument(help="A Parquet or CSV file with a row a prediction.")
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            help="Instead of a file: a ledger's directory or s3:// address, or a timonel.yaml."
        ),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Instead of both: what `timonel ledger fold --out` wrote.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The model's settings.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="A model package, or a file of Reference.save. Default: the first stable stretch."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Of a ledger: only so long before its newest prediction, such as 14d."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Of a ledger: only this model's.")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Late outcomes: prediction_id, actual (or label), arrived_at."),
    ] = None,
    window: Annotated[
        str,
        typer.Option(help="The stretch before the newest prediction whose metrics are printed."),
    ] = "1d",
    step: Annotated[
        str | None,
        typer.Option(
            help="Length of the windows that are judged. Default: the shortest with 30 predictions."
        ),
    ] = None,
    slices: Annotated[
        list[str] | None,
        typer.Option(
            "--slice", help="A column whose values are watched one by one; may be repeated."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report with its pictures to this file.")
    ] = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(
            help="Exit with 10 if an anomaly of this severity or above is open at the end."
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print the metrics and anomalies of a log of predictions, of a ledger, or of what was folded of one.

    A log's columns are prediction, and any of timestamp (or event_time), actual (or label), score,
    latency_ms, status, version, entity, prediction_id; all others are features.
    """
    from timonel.cli.console import progress
    from timonel.cli.monitor_log import parse_step
    from timonel.cli.monitor_source import open_source
    from timonel.cli.monitor_story import as_dict, story
    from timonel.cli.watched import read_reference, watch_settings
    from timonel.files import write_text
    from timonel.monitor.monitor import ModelMonitor
    from timonel.tables import read_table

    settings = watch_settings(config, slices or [])
    source = open_source(log, ledger, state, settings, since=since, model=model)
    length = source.step if step is None else parse_step(step)
    settings = source.settings.model_copy(update={"window": length})
    watched = ModelMonitor(read_reference(reference), settings)
    with progress("monitoring", source.rows, "rows", quiet=quiet or as_json) as advance:
        source.play(watched, advance)
    if labels is not None:
        watched.track_labels(read_table(labels))
    view, metrics = watched.view(), watched.calculate_metrics(window)
    if html is not None:
        write_text(html, watched.report(source.card))
    if as_json:
        said = {"diagnosis": source.diagnosis or None}
        typer.echo(json.dumps(as_dict(view, metrics) | said, allow_nan=False))
    elif not quiet:
        typer.echo(story(source.name, source.rows, view, metrics))
        if source.diagnosis:
            typer.echo(f"diagnosis: {source.diagnosis}")
        typer.echo(f"report: {html}" if html else "pictures: add --html report.html")
    if fail_on is not None and any(
        a.severity.value in list(FailOn)[list(FailOn).index(fail_on) :]
        for a in view.anomalies
        if not a.cleared
    ):
        sys.exit(ALARM_EXIT)
