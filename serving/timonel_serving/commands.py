"""The commands that this package adds to `timonel`. Heavy imports stay inside the functions."""

import json
import signal
import sys
from typing import Annotated, Any

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json, Verbose
from timonel_serving.batch import commands as batch_commands
from timonel_serving.detector import commands as detector_commands
from timonel_serving.explainer import commands as explainer_commands
from timonel_serving.monitor import commands as monitor_commands
from timonel_serving.options import Alias, Digest, Host, ModelVersion, PackageUri, Violations
from timonel_serving.replay import commands as replay_commands


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("serve")(serve)
    explainer_commands.register(app)
    batch_commands.register(app)
    detector_commands.register(app)
    monitor_commands.register(app)
    replay_commands.register(app)


def serve(
    config: ConfigPath = DEFAULT_CONFIG,
    package: PackageUri = None,
    digest: Digest = None,
    alias: Alias = None,
    model_version: ModelVersion = None,
    host: Host = None,
    port: Annotated[int | None, typer.Option(help="REST port; 0 takes a free one.")] = None,
    grpc_port: Annotated[int | None, typer.Option(help="gRPC port; 0 takes a free one.")] = None,
    grpc: Annotated[bool, typer.Option(help="Whether to serve gRPC.")] = True,
    on_violation: Violations = None,
    log_url: Annotated[
        str | None, typer.Option(help="Where each inference is sent as a CloudEvent.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also start the explainer, in a process of its own.")
    ] = False,
    explain_port: Annotated[
        int | None, typer.Option(help="The explainer's port; 0 takes a free one.")
    ] = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Serve a model over HTTP (KServe V1, Open Inference V2) and gRPC until it is stopped."""
    # as a container's process 1 Python would ignore SIGTERM while it loads
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    from timonel_serving.launch import Wish, launch

    flags: dict[str, Any] = {
        "host": host,
        "port": port,
        "grpc_port": grpc_port,
        "on_violation": on_violation,
        "log_url": log_url,
        "explain_port": explain_port,
    }
    overrides = {name: value for name, value in flags.items() if value is not None}
    if not grpc:
        overrides["grpc_port"] = None
    wish = Wish(config, package, alias, model_version, overrides, explain, digest)

    def announce(facts: dict[str, Any]) -> None:
        typer.echo(json.dumps(facts) if as_json else _story(facts))
        sys.stdout.flush()

    launch(wish, announce, verbose=verbose)


def _story(facts: dict[str, Any]) -> str:
    if "explain" in facts:
        return explainer_commands.story(facts)
    name, rest = facts["model"], facts["rest"]
    lines = [
        f"serving   {name}, version {facts['version']}, on {facts['backend']}",
        f"package   {facts['package']}",
        f"V1        {rest}/v1/models/{name}:predict",
        f"V2        {rest}/v2/models/{name}/infer",
        f"gRPC      {facts['grpc'] or 'off'}",
        f"metrics   {rest}/metrics",
        "Ctrl-C stops it",
    ]
    return "\n".join(lines)
