"""`timonel rollout`: release a challenger on this machine. Heavy imports stay inside the functions."""

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json

if TYPE_CHECKING:
    from timonel_pipelines.rollout.opening import Site
    from timonel_pipelines.rollout.record.state import State

Id = Annotated[str | None, typer.Option("--id", help="Of the rollout. Default: the newest.")]
Monitor = Annotated[str | None, typer.Option(help="Address of the monitor.")]
Detector = Annotated[str | None, typer.Option(help="Address of the detector.")]


def build() -> typer.Typer:
    """The commands."""
    app = typer.Typer(
        help="Release a challenger beside the champion, judged while its traffic rises.",
        no_args_is_help=True,
    )
    for command in (up, start, status, approve, abort, second, report, down):
        app.command(command.__name__)(command)
    return app


def up(config: ConfigPath = DEFAULT_CONFIG, detector: Detector = None) -> None:
    """Serve the champion behind the router, until `timonel rollout down`."""
    from timonel_components.register import CHAMPION

    site = _site(config, None, detector)
    with site.rollouts.driving():
        champion = site.registry.version(CHAMPION)
        site.stand.open()
        site.stand.serve(champion)
        site.stand.route({champion.number: 100})
    typer.echo(f"serving   version {champion.number} at {site.stand.url}")


def start(
    version: Annotated[str, typer.Option(help="Number or alias to release.")] = "challenger",
    config: ConfigPath = DEFAULT_CONFIG,
    monitor: Monitor = None,
    detector: Detector = None,
    rps: Annotated[
        float | None,
        typer.Option(
            min=1e-6, help="Requests a second to come. Default: as the monitor saw lately."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the newest rollout instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Release a version; exit 0 if it was promoted, 10 if rolled back, 30 if inconclusive.

    Killed or interrupted, it leaves everything as it is; --resume goes on from there.
    """
    from datetime import UTC, datetime

    site = _site(config, monitor, detector)
    with site.rollouts.driving():
        store = site.unfinished() if resume else site.begin(version, rps, datetime.now(UTC))
        typer.echo(f"rollout   {store.id}", err=as_json)

        def tell(what: str, text: str) -> None:
            typer.echo(f"{what:<10}{text}", err=as_json)

        state = site.driver(store, tell).run()
    if as_json:
        typer.echo(_json(state))
    raise typer.Exit(state.verdict.exit_code)


def status(config: ConfigPath = DEFAULT_CONFIG, id: Id = None, as_json: Json = False) -> None:
    """Say where a rollout stands and what it waits for; the exit code is that of its verdict so far."""
    from timonel_pipelines.rollout.record.report import last_second
    from timonel_pipelines.rollout.record.story import story

    site = _site(config)
    store = site.rollouts.store(id)
    state = store.load()
    last = list(store.decisions())[-1:]
    reasons = last[0][1]["reasons"] if last else ()
    told = story(state, site.config.release, _driven(site), reasons)
    typer.echo(_json(state) if as_json else told)
    second = last_second(site.ledger.decisions(), state.id)
    if second is not None and not as_json:
        typer.echo(f"second    {second['verdict']}: {second['reasons'][0]}")
    raise typer.Exit(state.verdict.exit_code)


def approve(config: ConfigPath = DEFAULT_CONFIG, id: Id = None) -> None:
    """Approve the promotion that a rollout waits for."""
    from timonel.errors import BadInput
    from timonel_pipelines.rollout.record.state import Phase

    store = _site(config).rollouts.store(id)
    state = store.load()
    if state.phase is not Phase.APPROVAL:
        raise BadInput(
            f"rollout {store.id} is {state.phase.value}, it does not wait for an approval"
        )
    store.note("approval", by=getpass.getuser(), challenger=state.challenger.digest)
    typer.echo(
        f"approved  version {state.challenger.number} (digest {state.challenger.digest[:12]})"
    )


def abort(
    config: ConfigPath = DEFAULT_CONFIG,
    id: Id = None,
    monitor: Monitor = None,
    detector: Detector = None,
) -> None:
    """End a rollout: all requests go to the champion again. Does so itself if nobody drives it."""
    from timonel.errors import BadInput, Busy
    from timonel_pipelines.rollout.record.state import Phase

    site = _site(config, monitor, detector)
    store = site.rollouts.store(id)
    state = store.load()
    if state.phase in (Phase.PROMOTING, Phase.ENDED):
        raise BadInput(f"rollout {store.id} is {state.phase.value}: there is nothing to abort")
    store.note("abort", by=getpass.getuser())
    try:
        with site.rollouts.driving():
            site.driver(store, lambda what, text: typer.echo(f"{what:<10}{text}")).run()
    except Busy:
        typer.echo("aborting  the command that drives it withdraws it")


def second(
    config: ConfigPath = DEFAULT_CONFIG,
    id: Id = None,
    detector: Detector = None,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Until there is a verdict, or release.second_within is over."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Judge a promoted version again on matured labels: exit 0 keeps it, 10 took it back, 30 is undecided.

    One that is worse than its predecessor is taken back at once. It may be asked again, every day or so.
    """
    from timonel_pipelines.rollout.second.judging import EXIT_CODES, SecondLook

    site = _site(config, None, detector)
    store = site.rollouts.store(id)

    def tell(what: str, text: str) -> None:
        typer.echo(f"{what:<10}{text}", err=as_json)

    look = SecondLook(site, store, tell)
    verdict = look.run(wait=wait)
    if as_json:
        typer.echo(json.dumps({"rollout": store.id, **(look.past.said or {})}, ensure_ascii=False))
    raise typer.Exit(EXIT_CODES[verdict])


def report(
    config: ConfigPath = DEFAULT_CONFIG,
    id: Id = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with pictures here, instead of Markdown.")
    ] = None,
) -> None:
    """Print a rollout as Markdown: what was decided, by which numbers, step by step."""
    from timonel.files import write_text
    from timonel_pipelines.rollout.record.picture import page
    from timonel_pipelines.rollout.record.report import markdown

    site = _site(config)
    store = site.rollouts.store(id)
    state, blocks = store.load(), list(store.blocks())
    records = site.ledger.decisions()
    if html is None:
        typer.echo(markdown(state, blocks, records))
    else:
        write_text(html, page(state, blocks, records))
        typer.echo(str(html))


def down(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Stop the router and all predictors behind it."""
    site = _site(config)
    with site.rollouts.driving():
        site.stand.close()
    typer.echo("stopped")


def _site(config: Path, monitor: str | None = None, detector: str | None = None) -> "Site":
    from timonel_pipelines.rollout.opening import Site

    return Site(config, monitor, detector)


def _json(state: "State") -> str:
    facts = state.model_dump(mode="json", exclude={"judge", "totals"})
    return json.dumps(facts, ensure_ascii=False)


def _driven(site: "Site") -> bool:
    """Whether a command drives a rollout of the model on this machine."""
    from timonel.errors import Busy

    try:
        site.rollouts.driving().release()
    except Busy:
        return True
    return False
