"""`timonel backtest`. Heavy imports stay inside the function."""

import json
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json, Quiet
from timonel.terms import Candidate

if TYPE_CHECKING:
    from timonel.config import Config


def backtest(
    data: Annotated[Path, typer.Argument(help="A CSV or Parquet file with labelled rows.")],
    config: ConfigPath = DEFAULT_CONFIG,
    policy: Annotated[
        str, typer.Option(help="When to retrain: governor, always, never, monthly, drift-only.")
    ] = "monthly",
    report: Annotated[
        Path | None, typer.Option(help="The JSON file to write. Default: none.", dir_okay=False)
    ] = None,
    period: Annotated[
        str, typer.Option(help="week, month, or a duration such as 1d: how often one looks.")
    ] = "week",
    initial: Annotated[
        float, typer.Option(help="Share of the rows before the first period, for training.")
    ] = 0.4,
    window: Annotated[
        str | None, typer.Option(help="Learn from a stretch such as 180d only. Default: from all.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="The metric to judge by. Default: train.metric if it can be, else auc."),
    ] = None,
    candidate: Annotated[
        Candidate | None, typer.Option(help="Train this one. Default: the best of the settings'.")
    ] = None,
    search: Annotated[
        bool, typer.Option("--search", help="Search hyper-parameters at each training: slow.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Play a labelled table in the order of time: train, predict, watch, retrain by a policy."""
    from timonel.backtest import parse_span
    from timonel.backtest import policy as policy_of
    from timonel.cli.console import progress
    from timonel.files import write_text
    from timonel_components.backtesting.replay import Wish, replay
    from timonel_components.backtesting.story import story

    # a stop from outside cleans up as Ctrl-C does
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    settings = _settings(config, candidate)
    chosen = policy_of(policy, settings.retraining)
    wish = Wish(parse_span(period), initial, _span(window), metric, search)
    with progress("backtest", 100, "%", quiet=quiet or as_json) as advance:
        played = replay(data, settings, chosen, wish, lambda share: advance(100 * share))
    found = played.to_dict()
    if report is not None:
        write_text(report, json.dumps(found, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(found))
    elif not quiet:
        typer.echo(story(played))
        if report is not None:
            typer.echo(f"written   {report}")


def _settings(path: Path, candidate: Candidate | None) -> "Config":
    from timonel.config import load_config

    config = load_config(path)
    if candidate is None:
        return config
    train = config.train.model_copy(update={"candidates": (candidate,)})
    return config.model_copy(update={"train": train})


def _span(text: str | None) -> timedelta | None:
    from timonel.durations import parse_duration
    from timonel.errors import BadInput

    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise BadInput(f"--window is {text!r}: {error}") from None
