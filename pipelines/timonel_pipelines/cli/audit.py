"""`timonel audit`: a decision from its trigger to the champion. Heavy imports stay inside the functions."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json

if TYPE_CHECKING:
    from timonel_pipelines.audit.link import Link

DIFFERS_EXIT = 10


def audit(
    decision: Annotated[
        str,
        typer.Option(
            help="A record's number, or six digits of its hash: see `timonel ledger log`."
        ),
    ],
    config: ConfigPath = DEFAULT_CONFIG,
    reproduce: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Set the training up again here: its rows and its settings."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the chain of a decision to retrain, each link verified, and how to train the same again.

    The record may be the decision, its diagnosis, what carried it out, or a step of the rollout.
    Exit code 0: what is there matches; links that are missing are named. 10: something does not match.
    """
    from timonel.config import load_config
    from timonel_pipelines.audit.link import Found
    from timonel_pipelines.audit.records import find
    from timonel_pipelines.audit.reproduce import command, set_up
    from timonel_pipelines.audit.walk import walk
    from timonel_pipelines.retraining.looking import Site

    site = Site(load_config(config))
    records = site.ledger.decisions()
    story = find(records, decision, site.config.model.name)
    links = walk(site, story, records, site.ledger.verify())
    again = command(story, config)
    if as_json:
        told = {"decision": story.decided.record.seq, "links": [one.to_dict() for one in links]}
        typer.echo(json.dumps(told | {"reproduce": again}, ensure_ascii=False))
    else:
        typer.echo(_told(links, again))
    if reproduce is not None:
        written = set_up(site, story, reproduce)
        typer.echo(f"settings  {written}", err=as_json)
    if any(one.found is Found.DIFFERS for one in links):
        raise typer.Exit(DIFFERS_EXIT)


def _told(links: "tuple[Link, ...]", again: str | None) -> str:
    lines = [f"{one.found.value:<11} {one.name:<10} {one.said}" for one in links]
    lines.append("")
    lines.append(f"again       {again}" if again else "again       there was no training to repeat")
    return "\n".join(lines)
