"""The command of the explainer's process. Heavy imports stay inside the function."""

import json
import signal
import sys
from typing import Annotated, Any

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json, Verbose
from timonel_serving.options import Alias, Digest, Host, ModelVersion, PackageUri, Violations


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("explainer")(explainer)


def explainer(
    config: ConfigPath = DEFAULT_CONFIG,
    package: PackageUri = None,
    digest: Digest = None,
    alias: Alias = None,
    model_version: ModelVersion = None,
    host: Host = None,
    port: Annotated[
        int | None, typer.Option("--port", "--http_port", help="Port; 0 takes a free one.")
    ] = None,
    on_violation: Violations = None,
    predictor_host: Annotated[
        str | None,
        typer.Option(
            "--predictor-host",
            "--predictor_host",
            help="KServe gives it; not needed: the explainer scores with its own copy of the model.",
        ),
    ] = None,
    model_name: Annotated[
        str | None,
        typer.Option(
            "--model-name",
            "--model_name",
            help="KServe gives its service's; not used: the model's name is the package's.",
        ),
    ] = None,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Serve explanations of a model's scores (KServe V1 :explain) until it is stopped."""
    # as a container's process 1 Python would ignore SIGTERM while it loads
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    from timonel_serving.explainer.launch import serve_explanations
    from timonel_serving.explainer.process import end_with_parent
    from timonel_serving.launch import Wish, resolve

    if with_parent:
        end_with_parent()
    flags: dict[str, Any] = {"host": host, "explain_port": port, "on_violation": on_violation}
    overrides = {name: value for name, value in flags.items() if value is not None}
    wish = Wish(config, package, alias, model_version, overrides, digest=digest)

    def announce(facts: dict[str, Any]) -> None:
        typer.echo(json.dumps(facts) if as_json else story(facts))
        sys.stdout.flush()

    serve_explanations(*resolve(wish), announce, verbose=verbose)


def story(facts: dict[str, Any]) -> str:
    """Where explanations are served, for a person."""
    return f"explain   {facts['explain']} (version {facts['version']}, by {facts['method']})"
