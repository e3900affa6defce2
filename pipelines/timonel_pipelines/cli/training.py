"""`timonel train`: the training pipeline, run on this machine."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json, Quiet, Verbose


def train(
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train, examine and register the model that a timonel.yaml describes.

    Exit code 0: a version was registered. 10: the model failed its gates. 1: an error.
    """
    train_here(config, as_json=as_json, quiet=quiet)


def train_here(path: Path, *, as_json: bool, quiet: bool) -> None:
    """Run the pipeline with kfp.local, and tell how it went."""
    from timonel.config import load_config
    from timonel_pipelines.display import AROUND, story
    from timonel_pipelines.result import REFUSED_EXIT, TrainingResult
    from timonel_pipelines.running import Source, run_here

    config = load_config(path)
    steps = AROUND + len(config.candidates)
    with _terminated_as_interrupted(), story(steps, quiet=quiet or as_json) as told:
        result = TrainingResult.of(run_here(Source.of(config, path), told))
    if as_json:
        typer.echo(result.model_dump_json())
    elif not quiet:
        typer.echo(result.told())
    if not result.registered:
        raise typer.Exit(REFUSED_EXIT)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Have SIGTERM end the run as Ctrl-C does: with nothing left behind."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
