"""`timonel alerts`: rules for Prometheus and a dashboard for Grafana."""

from pathlib import Path
from typing import Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath
from timonel.terms import AlertFormat

Out = Annotated[
    Path | None, typer.Option(help="Directory to write to; without it the text is printed.")
]
_FILES = {
    AlertFormat.RULES: "timonel-{}.rules.yaml",
    AlertFormat.OPERATOR: "timonel-{}.prometheusrule.yaml",
}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    alerts = typer.Typer(
        help="Rules for Prometheus and a dashboard for Grafana.", no_args_is_help=True
    )
    for command in (render, dashboard):
        alerts.command(command.__name__)(command)
    app.add_typer(alerts, name="alerts")


def render(
    config: ConfigPath = DEFAULT_CONFIG,
    out: Out = None,
    form: Annotated[
        AlertFormat,
        typer.Option("--format", help="A rule file, or an object of the Prometheus operator."),
    ] = AlertFormat.RULES,
) -> None:
    """Write the alerts of a model as Prometheus rules; the thresholds are in `monitoring.alerts`."""
    from timonel.alerts import all_groups
    from timonel.alerts import render as written
    from timonel.config import load_config

    loaded = load_config(config)
    text = written(loaded, all_groups(loaded), form)
    _deliver(text, out, _FILES[form].format(loaded.model.name))


def dashboard(out: Out = None) -> None:
    """Write the Grafana dashboard, which shows any of the models that Prometheus knows."""
    from timonel.alerts.dashboard import dashboard as drawn

    _deliver(drawn(), out, "timonel.dashboard.json")


def _deliver(text: str, out: Path | None, name: str) -> None:
    if out is None:
        typer.echo(text, nl=False)
        return
    from timonel.errors import BadInput
    from timonel.files import write_text

    try:
        write_text(out / name, text)
    except OSError as error:
        raise BadInput(f"--out {out}: cannot be written to: {error.strerror}") from None
    typer.echo(out / name)
