"""The `timonel` command. Installed packages add their commands through the entry point
`timonel.commands`: each names a function that takes the typer application."""

import os
import sys
from importlib.metadata import entry_points

import typer

from timonel.cli import alerts, canary, config_commands, diagnose, init, ledger, monitor
from timonel.errors import TimonelError

HELP = "Keeps a model in production on course: trains, registers, serves and watches it."


def build() -> typer.Typer:
    """The application with the commands of every installed package."""
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    init.register(app)
    config_commands.register(app)
    monitor.register(app)
    ledger.register(app)
    alerts.register(app)
    canary.register(app)
    diagnose.register(app)
    for entry in sorted(entry_points(group="timonel.commands"), key=lambda e: e.name):
        entry.load()(app)
    return app


def run() -> None:
    """Run the command line; every expected error becomes a message and an exit code."""
    verbose = bool(os.environ.get("TIMONEL_VERBOSE")) or "--verbose" in sys.argv
    try:
        build()()
    except TimonelError as error:
        if verbose:
            raise
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
