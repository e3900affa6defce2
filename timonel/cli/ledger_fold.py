"""`timonel ledger fold`: the predictions of a ledger as the counters a monitor would hold.

Heavy imports stay inside the functions.
"""

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timonel.cli.options import Json, Quiet

if TYPE_CHECKING:
    from timonel.fold.job import FoldJob
    from timonel.monitor.parcel import Parcel


class Engine(StrEnum):
    """What folds."""

    LOCAL = "local"
    SPARK = "spark"


def fold(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The model's settings; they name a ledger."),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(help="A directory or s3:// address, instead of the settings' one."),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="A model package, or a file of Reference.save: its features are counted."
        ),
    ] = None,
    engine: Annotated[Engine, typer.Option(help="This machine's cores, or Apache Spark.")] = (
        Engine.LOCAL
    ),
    start: Annotated[str | None, typer.Option(help="Event time, inclusive; UTC.")] = None,
    end: Annotated[str | None, typer.Option(help="Event time, exclusive.")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model's predictions.")] = None,
    version: Annotated[str | None, typer.Option(help="Only this version's.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="local: processes. Default: one a core.")
    ] = None,
    scratch: Annotated[
        Path | None,
        typer.Option(help="local: where ids are exchanged on disk. Default: the system's."),
    ] = None,
    master: Annotated[
        str | None, typer.Option(help="spark: such as local[4] or yarn. Default: Spark's own.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the counters here, for timonel monitor --state.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fold predictions with their latest labels into the windows of a monitor.

    Memory does not grow with the ledger. Both engines count the same, to the bit.
    """
    from timonel.cli.fold_story import as_dict, story
    from timonel.files import staged_file

    job = _job(config, ledger, reference, (start, end), (model, version))
    began = time.monotonic()
    if engine is Engine.LOCAL:
        parcel = _fold_local(job, workers, scratch, quiet=quiet or as_json)
    else:
        from timonel.fold.spark import fold_spark

        parcel = fold_spark(job, master)
    seconds = time.monotonic() - began
    if out is not None:
        with staged_file(out) as stage:
            stage.write_bytes(parcel.to_bytes())
    if as_json:
        typer.echo(json.dumps(as_dict(job, parcel, seconds), allow_nan=False))
    elif not quiet:
        typer.echo(story(job, parcel, seconds))
        typer.echo(f"state: {out}" if out else "to keep it: add --out state.parcel")


def _job(
    config: Path | None,
    ledger: str | None,
    reference: Path | None,
    span: tuple[str | None, str | None],
    chosen: tuple[str | None, str | None],
) -> "FoldJob":
    from timonel.cli.ledger_source import open_ledger
    from timonel.cli.options import DEFAULT_CONFIG
    from timonel.cli.watched import read_reference, read_time, watch_settings
    from timonel.fold.job import FoldJob, Selection

    if config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    place = open_ledger(ledger or str(config or DEFAULT_CONFIG)).place
    start, end = read_time(span[0], "--start"), read_time(span[1], "--end")
    selection = Selection(start, end, *chosen)
    return FoldJob.of(place, watch_settings(config, []), read_reference(reference), selection)


def _fold_local(
    job: "FoldJob", workers: int | None, scratch: Path | None, *, quiet: bool
) -> "Parcel":
    from timonel.cli.console import progress
    from timonel.fold.local import fold_local

    with progress("folding", None, "rows", quiet=quiet) as advance:
        return fold_local(job, workers, scratch, advance)
