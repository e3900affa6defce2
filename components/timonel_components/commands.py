"""The commands that this package adds to `timonel`. Heavy imports stay inside the functions."""

import os
import sys
from typing import Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath
from timonel_components.backtesting.command import backtest


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("ui")(ui)
    app.command("backtest")(backtest)


def ui(
    config: ConfigPath = DEFAULT_CONFIG,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5000,
) -> None:
    """Show runs, models and artifacts in MLflow's own pages until it is stopped."""
    from timonel.config import load_config
    from timonel.errors import BadInput
    from timonel.workspace import Workspace

    loaded = load_config(config)
    server = loaded.storage.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    if server:
        typer.echo(f"runs and models are kept by the server {server}: open it in a browser")
        return
    workspace = Workspace.of(loaded)
    if not workspace.database.exists():
        raise BadInput(
            f"{workspace.database}: no runs yet", fix=f"timonel train -c {config} makes the first"
        )
    typer.echo(f"http://{host}:{port} (Ctrl-C stops it)")
    sys.stdout.flush()
    store, artifacts = f"sqlite:///{workspace.database}", workspace.artifacts.as_uri()
    words = ["server", "--host", host, "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", store, "--default-artifact-root", artifacts]
    # the process becomes MLflow's: signals and exit code are its own
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *words, *stores])  # noqa: S606
