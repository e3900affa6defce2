"""`timonel cluster doctor` and `timonel status`. Heavy imports stay inside the functions."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from timonel.cli.options import Json

Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Default: that of the kubeconfig's context.")
]
Context = Annotated[
    str | None, typer.Option(help="Context of the kubeconfig. Default: the current one.")
]


def build() -> typer.Typer:
    """The commands."""
    app = typer.Typer(no_args_is_help=True, help="Examine the cluster that releases run on.")
    app.callback()(_group)
    app.command("doctor")(doctor)
    return app


def _group() -> None:
    """One command stays a command of its group."""


def doctor(
    namespace: Namespace = None,
    gateway: Annotated[
        str, typer.Option(help="The Gateway of the releases: NAMESPACE/NAME.")
    ] = "kserve/kserve-ingress-gateway",
    context: Context = None,
    as_json: Json = False,
) -> None:
    """Say what the cluster lacks for a release, and how to mend it; exit 10 if something fails.

    Nothing is changed: an InferenceService is created in a dry run only.
    """
    from timonel_pipelines.cluster.asking import ask
    from timonel_pipelines.cluster.doctor import examine, exit_code
    from timonel_pipelines.cluster.reach import Cluster

    place = _gateway(gateway)
    cluster = Cluster(context)
    cluster.require()
    space = namespace or cluster.namespace
    findings = examine(ask(cluster, space, place))
    if as_json:
        told = [asdict(one) for one in findings]
        typer.echo(json.dumps({"namespace": space, "findings": told}, indent=2))
    else:
        from rich.console import Console

        from timonel_pipelines.cluster.display import show

        show(Console(highlight=False), cluster.host, space, findings)
    raise typer.Exit(exit_code(findings))


def status(
    namespace: Namespace = None,
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")
    ] = False,
    context: Context = None,
    as_json: Json = False,
) -> None:
    """Show the releases of a cluster: versions, weights, replicas, and what their monitors say."""
    from datetime import UTC, datetime

    from timonel_pipelines.cluster.reach import Cluster
    from timonel_pipelines.cluster.releases.looking import look

    cluster = Cluster(context)
    cluster.require()
    space = None if everywhere else namespace or cluster.namespace
    rows = look(cluster, space)
    if as_json:
        told = [asdict(release) | {"monitor": asdict(watch)} for release, watch in rows]
        typer.echo(json.dumps({"releases": told}, indent=2, default=lambda one: one.isoformat()))
        return
    from rich.console import Console

    from timonel_pipelines.cluster.releases.table import table

    if not rows:
        typer.echo(f"no release in {'any namespace' if space is None else f'namespace {space}'}")
        return
    Console(highlight=False).print(table(rows, datetime.now(UTC)))
    for release, watch in rows:
        if watch.trouble:
            typer.echo(f"{release.name}: its monitor does not answer: {watch.trouble}", err=True)


def _gateway(text: str) -> tuple[str, str]:
    from timonel.errors import BadInput

    space, slash, name = text.partition("/")
    if not (space and slash and name):
        raise BadInput(f"--gateway is {text!r}, expected NAMESPACE/NAME", fix="name both")
    return space, name
