"""`timonel retrain`: ask the governor, and do what it says. Heavy imports stay inside the functions."""

import json
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json, Quiet
from timonel_pipelines.cli.pipeline import Host, Image, Namespace, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timonel.config import Config
    from timonel.retraining import Request
    from timonel_pipelines.remote import Server
    from timonel_pipelines.retraining.doing import Done, Judged
    from timonel_pipelines.retraining.training import Trainer

NOT_NOW, REFUSED, VETOED = 20, 10, 30
"""Exit codes: nothing is due or it is too early; the gates failed; a person has to act first."""


def retrain(
    config: ConfigPath = DEFAULT_CONFIG,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only if the evidence asks for it: for schedules.")
    ] = False,
    force: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Train past every veto; the reason is recorded."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decide and tell; write and start nothing.")
    ] = False,
    at: Annotated[
        datetime | None,
        typer.Option(help="The moment to decide at, in UTC. Default: the newest of the log."),
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="Start the rollout of a version that was registered.")
    ] = False,
    host: Host = None,
    image: Image = None,
    volume: Volume = None,
    namespace: Namespace = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Diagnose, ask the governor whether to retrain, and do what it says.

    A training runs on this machine, with --host on a Kubeflow Pipelines server.

    Exit code 0: done. 10: the new model failed its gates. 20: nothing is due, or it is too early.
    30: vetoed: a person has to mend something first. 1: an error.
    """
    from timonel.config import load_config
    from timonel_pipelines.retraining.doing import CARRIED_OUT, carry_out, judge, record
    from timonel_pipelines.retraining.looking import Look, Site

    there = None if host is None or dry_run else _server(host, namespace)
    if release and not dry_run:
        _releasable(config)
    look = Look.at(Site(load_config(config)), _aware(at))
    judged = judge(look, _request(if_due, force))
    told = not (quiet or as_json)
    if told:
        typer.echo(_story(judged))
    done = None
    if not dry_run:
        decided = record(look, judged)
        if judged.decision.answer in CARRIED_OUT:
            with _trains(there, image, volume, look.site.config, shown=told) as trainer:
                done = carry_out(look, judged, decided, config, trainer)
    if as_json:
        typer.echo(json.dumps(_facts(judged, done), ensure_ascii=False))
    elif done is not None and not quiet:
        typer.echo(f"done      {done.summary}")
    if release and done is not None and done.releasable:
        _release(config, str(done.version), as_json)
    if code := _code(judged, done):
        raise typer.Exit(code)


def _request(if_due: bool, force: str | None) -> "Request | None":
    from timonel.errors import BadInput
    from timonel.retraining import Request

    if if_due and force is not None:
        raise BadInput("--if-due and --force exclude each other", fix="leave one out")
    if force is not None:
        return Request(force, force=True)
    return None if if_due else Request("timonel retrain")


def _aware(at: datetime | None) -> datetime | None:
    from datetime import UTC

    return None if at is None else at.replace(tzinfo=UTC)


@contextmanager
def _trains(
    there: "Server | None",
    image: str | None,
    volume: str | None,
    config: "Config",
    *,
    shown: bool,
) -> "Iterator[Trainer]":
    """What trains, and tells how it goes."""
    from timonel_pipelines.cli.remote import poll_seconds, teller
    from timonel_pipelines.display import AROUND, story
    from timonel_pipelines.retraining.training import Here, There

    if there is not None:
        yield There(there, image, volume, teller(shown=shown), poll_seconds())
        return
    with story(AROUND + len(config.candidates), quiet=not shown) as watcher:
        yield Here(watcher)


def _story(judged: "Judged") -> str:
    decision, labels = judged.decision, judged.situation.labels
    diagnosis = judged.diagnosis
    cause = "none: the log holds nothing to compare"
    if diagnosis is not None:
        named = diagnosis.cause.value if diagnosis.cause else diagnosis.state.value
        cause = named.replace("_", " ")
    lines = [
        f"model     {judged.situation.model} version {judged.situation.version},"
        f" at {judged.situation.time:%Y-%m-%d %H:%M}",
        f"labels    {labels.positives:,} positive and {labels.negatives:,} others have matured",
        *(f"trigger   {t.kind.value}: {t.what}" for t in decision.triggers),
        f"diagnosis {cause}",
        *(f"against   {veto}" for veto in decision.vetoes),
        f"decision  {decision.summary}",
        *(f"          {reason}" for reason in decision.reasons[1:]),
    ]
    if decision.next_allowed is not None:
        lines.append(f"again     {decision.next_allowed:%Y-%m-%d %H:%M}")
    return "\n".join(lines)


def _facts(judged: "Judged", done: "Done | None") -> dict[str, object]:
    found = judged.diagnosis
    training = done.training if done else None
    revised = done.revised if done else None
    return {
        "time": judged.situation.time.isoformat(),
        "version": judged.situation.version,
        "decision": judged.decision.to_dict(),
        "diagnosis": found.to_dict() if found else None,
        "done": None
        if done is None
        else {
            "outcome": done.outcome.value,
            "summary": done.summary,
            "version": done.version,
            "window": done.window,
            "training": training.model_dump(mode="json") if training else None,
            "change": revised.change if revised else None,
            "gates": [g.model_dump(mode="json") for g in revised.gates.results]
            if revised
            else None,
        },
    }


def _server(host: str, namespace: str | None) -> "Server":
    """Before anything is decided: raises for a server that does not answer."""
    from timonel_pipelines.cli.remote import server

    there = server(host, namespace)
    there.check()
    return there


def _releasable(config: Path) -> None:
    """Before anything is trained: raises for settings that no rollout can follow, or a silent monitor."""
    from datetime import UTC

    from timonel_pipelines.rollout.opening import Site

    site = Site(config)
    _ = site.plan
    site.counts.since(datetime.now(UTC))


def _release(config: Path, version: str, as_json: bool) -> None:
    from timonel_pipelines.cli.rollout import start

    start(version=version, config=config, as_json=as_json)


def _code(judged: "Judged", done: "Done | None") -> int:
    from timonel.retraining import Answer, Outcome
    from timonel_pipelines.retraining.doing import CARRIED_OUT

    answer = judged.decision.answer
    if answer in (Answer.WAIT, Answer.NONE):
        return NOT_NOW
    if answer not in CARRIED_OUT:
        return VETOED
    return REFUSED if done is not None and done.outcome is Outcome.FAILED else 0
