"""The command that plays a drill. Heavy imports stay inside the functions."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json, Quiet

if TYPE_CHECKING:
    from timonel.config import Config
    from timonel_serving.replay.drill import Drill

DEFAULT_DELAY = timedelta(days=3)
"""Until all labels have come, where data.label_delay is not set."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("replay")(replay)


def replay(
    package: Annotated[
        Path, typer.Option("--package", help="The model package whose held-out rows are played.")
    ],
    config: ConfigPath = DEFAULT_CONFIG,
    incident: Annotated[
        str | None, typer.Option(help="A fault to put in: seed, or one of timonel.faults.")
    ] = None,
    severity: Annotated[str, typer.Option(help="Of the fault: low, medium, high.")] = "medium",
    column: Annotated[
        list[str] | None, typer.Option(help="Where the fault is. Default: the first that fits.")
    ] = None,
    days: Annotated[float, typer.Option(min=0.1, max=90, help="Days of traffic.")] = 14,
    rows: Annotated[int, typer.Option(min=100, max=10_000_000, help="Predictions.")] = 60_000,
    seconds: Annotated[
        float, typer.Option(min=0, help="How long playing takes; 0: as fast as it goes.")
    ] = 60,
    until: Annotated[
        datetime | None, typer.Option(help="When the traffic ends, in UTC. Default: now.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed plays the same traffic.")] = 0,
    predictor: Annotated[str, typer.Option(help="Its address.")] = "",
    detector: Annotated[str, typer.Option(help="Its address.")] = "",
    monitor: Annotated[str, typer.Option(help="Its address.")] = "",
    labels: Annotated[bool, typer.Option(help="Whether labels are sent to the monitor.")] = True,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Play weeks of traffic of real rows against predictor, detector and monitor, in a minute.

    The rows are those that the model was examined on, in a random order, at times that end now. With
    --incident a fault of known cause sets in after two fifths of the time.
    """
    import os

    from timonel.config import load_config
    from timonel_serving.replay.player import Stage, play

    loaded = load_config(config)
    drill, features = _prepared(
        loaded, package, predictor, (incident, severity, column), (until, days, rows, seed)
    )
    listening, answering = loaded.monitoring.detector, loaded.monitoring.monitor
    at = detector or f"http://{listening.host}:{listening.port}"
    to = monitor or f"http://{answering.host}:{answering.port}"
    token = os.environ.get("TIMONEL_TOKEN")
    stage = Stage(loaded.model.name, features, at, to if labels else None, token)
    facts = _facts(drill)
    if not (as_json or quiet):
        typer.echo(_story(facts))
    _play(play(drill.log, stage, seconds), silent=as_json or quiet)
    if as_json:
        typer.echo(json.dumps(facts))


def _prepared(
    config: "Config",
    path: Path,
    predictor: str,
    wish: tuple[str | None, str, list[str] | None],
    size: tuple[datetime | None, float, int, int],
) -> "tuple[Drill, tuple[str, ...]]":
    import pyarrow.parquet as pq

    from timonel.contract import DataContract
    from timonel.faults import Severity
    from timonel.package import open_package
    from timonel.reference import Reference
    from timonel_serving.replay.drill import Fault, prepare
    from timonel_serving.replay.scorer import Scorer
    from timonel_serving.replay.traffic import Plan

    package = open_package(path).path
    contract, reference = (
        DataContract.load(package / "contract.json"),
        Reference.of_package(package),
    )
    examined = pq.read_table(package / "reference.parquet")
    serving = config.serving
    scorer = Scorer(predictor or f"http://{serving.host}:{serving.port}", contract)
    until, days, rows, seed = size
    end = datetime.now(UTC) if until is None else until.replace(tzinfo=UTC)
    start = end - timedelta(days=days)
    plan = Plan(start, days, rows, config.data.label_delay or DEFAULT_DELAY)
    name, severity, columns = wish
    fault = None if name is None else Fault(name, Severity(severity), tuple(columns or ()))
    kept = examined.select([*scorer.features, "label"])
    threshold = 0.5 if reference.threshold is None else reference.threshold
    return prepare(scorer, kept, plan, fault, threshold, contract.classes, seed), scorer.features


def _facts(drill: "Drill") -> dict[str, Any]:
    times = drill.log["event_time"]
    return {
        "rows": drill.log.num_rows,
        "start": times[0].as_py().isoformat(),
        "end": times[-1].as_py().isoformat(),
        "accuracy_before": drill.accuracy[0],
        "accuracy_at_the_end": drill.accuracy[1],
        "incidents": [truth.to_dict() for truth in drill.truths],
    }


def _story(facts: dict[str, Any]) -> str:
    lines = [
        f"replay    {facts['rows']:,} predictions of {facts['start'][:16]} to {facts['end'][:16]}",
        f"accuracy  {facts['accuracy_before']:.1%}, in the last tenth "
        f"{facts['accuracy_at_the_end']:.1%}",
        *(f"fault     {one['what']}, since {one['since'][:16]}" for one in facts["incidents"]),
    ]
    return "\n".join(lines)


def _play(moments: Any, *, silent: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, quiet=silent)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("playing", total=1.0)
        for moment in moments:
            at = datetime.fromtimestamp(moment.time / 1e6, UTC)
            progress.update(task, completed=moment.share, description=f"playing {at:%d %b %H:%M}")
