"""`timonel pipeline`: compile the training pipeline, run it here or on a server, schedule it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json, Quiet, Verbose

if TYPE_CHECKING:
    from timonel_pipelines.wanted import Wanted

Host = Annotated[
    str | None,
    typer.Option(help="A Kubeflow Pipelines server. Its token is read from TIMONEL_KFP_TOKEN."),
]
Image = Annotated[
    str | None, typer.Option(help="The image of the steps; pin it by digest for a cluster.")
]
Volume = Annotated[
    str | None, typer.Option(help="Claim of a volume that keeps the workspace between runs.")
]
Namespace = Annotated[
    str | None, typer.Option(help="The namespace on a server with several users.")
]


def build() -> typer.Typer:
    """The commands."""
    app = typer.Typer(no_args_is_help=True, help="Compile, run and schedule the training pipeline.")
    app.command("compile")(compile_)
    app.command("run")(run)
    app.command("schedule")(schedule)
    return app


def compile_(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Settings to build in. Default: they are a parameter of the run."
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path(
        "timonel-train.yaml"
    ),
    image: Image = None,
    volume: Volume = None,
    manifests: Annotated[
        bool, typer.Option(help="Write Kubernetes resources (Pipeline, PipelineVersion).")
    ] = False,
    namespace: Namespace = None,
) -> None:
    """Write the pipeline as the YAML that Kubeflow Pipelines runs."""
    from timonel_pipelines.compiling import compile_pipeline
    from timonel_pipelines.wanted import generic

    wanted = _described(config, image, volume) if config else generic(image, volume)
    compile_pipeline(
        wanted.platform,
        out,
        parameters=wanted.parameters,
        manifests=manifests,
        namespace=namespace,
    )
    typer.echo(f"{out} written: pipeline {wanted.platform.name}", err=True)


def run(
    config: ConfigPath = DEFAULT_CONFIG,
    host: Host = None,
    image: Image = None,
    volume: Volume = None,
    namespace: Namespace = None,
    wait: Annotated[bool, typer.Option(help="Wait for the run on the server to end.")] = True,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run the pipeline: on this machine as `timonel train` does, with --host on a server."""
    if host is None:
        from timonel_pipelines.cli.training import train_here

        train_here(config, as_json=as_json, quiet=quiet)
        return
    from timonel_pipelines.cli.remote import run_there

    run_there(
        _described(config, image, volume), host, namespace, wait=wait, as_json=as_json, quiet=quiet
    )


def schedule(
    host: Annotated[str, typer.Option(help="The Kubeflow Pipelines server.")],
    config: ConfigPath = DEFAULT_CONFIG,
    cron: Annotated[str, typer.Option(help="When, in six fields, seconds first.")] = "0 0 2 * * *",
    image: Image = None,
    volume: Volume = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Have a Kubeflow Pipelines server train the model again and again.

    One run at a time; runs that were missed are not caught up. Scheduling a model again replaces its
    schedule.
    """
    from timonel_pipelines.cli.remote import schedule_there

    schedule_there(_described(config, image, volume), host, namespace, cron, as_json=as_json)


def _described(config: Path, image: str | None, volume: str | None) -> "Wanted":
    """The pipeline of a model, with a word on what it will miss in a cluster."""
    from timonel.config import load_config
    from timonel_pipelines.running import Source
    from timonel_pipelines.wanted import described

    wanted = described(Source.of(load_config(config), config), image, volume)
    for warning in wanted.warnings:
        typer.echo(f"warning: {warning}", err=True)
    return wanted
