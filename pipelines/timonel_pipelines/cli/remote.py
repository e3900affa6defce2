"""What the commands say about runs on a server."""

import json
import os
from collections.abc import Callable

import typer

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
        run = there.follow(run, teller(shown=told), poll_seconds())
    if as_json:
        typer.echo(json.dumps(_facts(run)))
    elif not quiet:
        typer.echo(_headline(wanted, run))
    run.raise_failure()
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


def poll_seconds() -> float:
    """Between two looks at a run."""
    return float(os.environ.get(POLL, "5"))


def teller(*, shown: bool) -> Callable[[TaskState], None]:
    """Who is told of a task's new state."""
    return _tell if shown else _keep_quiet


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


def _facts(run: RemoteRun) -> dict[str, object]:
    return {
        "run": run.id,
        "url": run.url,
        "state": run.state,
        "registered": run.succeeded("register"),
        "refused": run.succeeded("refuse"),
    }
