"""Commands about timonel.yaml."""

import json

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("schema")(schema)
    app.command("check")(check)


def schema() -> None:
    """Print the JSON Schema of timonel.yaml, for editors and other programs."""
    from timonel.config import Config

    # as written, so that a default such as 7d is one that the file may hold
    typer.echo(json.dumps(Config.model_json_schema(mode="serialization"), indent=2))


def check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Check a timonel.yaml without running anything."""
    from timonel.config import load_config

    loaded = load_config(config)
    typer.echo(f"{config} is valid: model {loaded.model.name}, task {loaded.model.task.value}")
