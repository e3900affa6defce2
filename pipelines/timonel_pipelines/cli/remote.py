"""What the commands say about runs on a server."""

import json
import os

import typer

from timonel.errors import TimonelError
from timonel_pipelines.display import TITLES
from timonel_pipelines.remote import RemoteRun, Server, TaskState
from timonel_pipelines.result import REFUSED_EXIT
from timonel_pipelines.wanted import Wanted

TOKEN = "TIMONEL_KFP_TOKEN"  # noqa: S105 - the name of an environment variable
POLL = "TIMONEL_KFP_POLL_SECONDS"


def server(host: str, namespace: str | None) -> Server:
    """The server that the options and the environment name."""
    return Server(host, os.environ.get(TOKEN) or None, namespace)


def run_there(
    wanted: Wanted, host: str, namespace: str | None, *, wait: bool, as_json: bool, quiet: bool
) -> None:
    """Submit a run; wait for its end and say how it went."""
    there = server(host, namespace)
    run = there.submit(wanted)
    told = not (quiet or as_json)
    if told:
        typer.echo(f"submitted: {run.url}", err=True)
    if wait:
        tell = _tell if told else _keep_quiet
        run = there.follow(run, tell, float(os.environ.get(POLL, "5")))
    if as_json:
        typer.echo(json.dumps(_facts(run)))
    elif not quiet:
        typer.echo(_headline(wanted, run))
    if run.state in ("FAILED", "CANCELED"):
        raise _failed(run)
    if run.succeeded("refuse"):
        raise typer.Exit(REFUSED_EXIT)


def schedule_there(
    wanted: Wanted, host: str, namespace: str | None, cron: str, *, as_json: bool
) -> None:
    """Create the recurring run and say so."""
    made = server(host, namespace).schedule(wanted, cron)
    if as_json:
        typer.echo(json.dumps({"recurring_run": made, "pipeline": wanted.platform.name}))
    else:
        typer.echo(f"{wanted.platform.name} is scheduled ({cron}): recurring run {made}")


def _tell(task: TaskState) -> None:
    if task.name in TITLES:
        typer.echo(f"  {TITLES[task.name]:<9} {task.state.lower()}", err=True)


def _keep_quiet(task: TaskState) -> None:
    """Say nothing."""


def _headline(wanted: Wanted, run: RemoteRun) -> str:
    if run.succeeded("register"):
        return f"{wanted.platform.model}: a version was registered: {run.url}"
    if run.succeeded("refuse"):
        return f"{wanted.platform.model}: nothing was registered, gates failed: {run.url}"
    return f"{wanted.platform.model}: {run.state.lower()}: {run.url}"


def _failed(run: RemoteRun) -> TimonelError:
    named = [f"step {t.name}: {t.error or 'failed'}" for t in run.failures if t.name in TITLES]
    return TimonelError(
        "\n".join([f"the run ended as {run.state}", *named]), fix=f"its logs: {run.url}"
    )


def _facts(run: RemoteRun) -> dict[str, object]:
    return {
        "run": run.id,
        "url": run.url,
        "state": run.state,
        "registered": run.succeeded("register"),
        "refused": run.succeeded("refuse"),
    }
