"""The command for scoring a file. Heavy imports stay inside the function."""

import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json, Quiet
from timonel.terms import OnViolation
from timonel_serving.options import Alias, Digest, ModelVersion, PackageUri, Violations

if TYPE_CHECKING:
    from timonel.contract import DataContract


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("predict")(predict)


def predict(
    rows: Annotated[Path, typer.Argument(help="A CSV or Parquet file with the rows to score.")],
    config: ConfigPath = DEFAULT_CONFIG,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The Parquet file to write. Default: beside the rows.",
            dir_okay=False,
        ),
    ] = None,
    package: PackageUri = None,
    digest: Digest = None,
    alias: Alias = None,
    model_version: ModelVersion = None,
    on_violation: Violations = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score the rows of a file of any size into a Parquet file."""
    from timonel.cli.console import progress
    from timonel_serving.batch.rows import RowsFile
    from timonel_serving.batch.score import BatchModel, score_file
    from timonel_serving.launch import Wish, resolve

    # a stop from outside cleans up as Ctrl-C does
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    start = time.perf_counter()
    overrides: dict[str, Any] = {} if on_violation is None else {"on_violation": on_violation}
    found, version, settings = resolve(
        Wish(config, package, alias, model_version, overrides, digest=digest)
    )
    source = RowsFile(rows, found.contract)
    target = out or rows.with_name(f"{rows.stem}-predictions.parquet")
    model = BatchModel.of(found, settings, version)
    with progress("scoring", source.table.rows, "rows", quiet=quiet) as advance:
        scored = score_file(source, target, model, advance=advance)
    facts = {
        "model": found.manifest.model,
        "version": version,
        "rows": scored.rows,
        "predictions": {str(label): count for label, count in scored.predictions.items()},
        "flagged": scored.flagged,
        "on_violation": str(settings.on_violation),
        "seconds": round(time.perf_counter() - start, 3),
        "out": str(scored.out),
    }
    if as_json:
        typer.echo(json.dumps(facts))
    elif not quiet:
        typer.echo(_story(facts, found.contract))


def _story(facts: dict[str, Any], contract: "DataContract") -> str:
    n = facts["rows"]
    what = f"predicted {contract.target}" if contract.ranking is None else "ranked   "
    lines = [f"scored    {n:,} rows with {facts['model']}, version {facts['version']}"]
    lines += [
        f"{what} {label}: {count:,} ({count / n:.1%})"
        for label, count in facts["predictions"].items()
        if count
    ]
    if facts["on_violation"] == OnViolation.FLAG:
        lines.append(f"flagged   {facts['flagged']:,} rows that break the data contract")
    return "\n".join([*lines, f"written   {facts['out']}"])
