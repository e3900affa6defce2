"""`timonel init`: settings for a table of one's own."""

import os
from pathlib import Path
from typing import Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("init")(init)


def init(
    data: Annotated[Path, typer.Argument(help="A CSV or Parquet file.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    time: Annotated[str | None, typer.Option(help="When a row happened.")] = None,
    entity: Annotated[str | None, typer.Option(help="Whose row it is.")] = None,
    text: Annotated[str | None, typer.Option(help="The text column of a text task.")] = None,
    positive: Annotated[str | None, typer.Option(help="The target's value to find.")] = None,
    name: Annotated[str | None, typer.Option(help="The model's name. Default: the file's.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o")] = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a timonel.yaml for a table, every setting explained in it."""
    from timonel.config import parse_config
    from timonel.config.template import render_template
    from timonel.contract import infer_contract
    from timonel.errors import BadInput
    from timonel.files import write_text
    from timonel.proposal import Roles, propose
    from timonel.tables import read_table

    if output.exists() and not force:
        raise BadInput(
            f"{output} is there already", fix="use --force to replace it, or -o for another"
        )
    table = read_table(data)
    source = os.path.relpath(data.absolute(), output.parent.absolute())
    roles = Roles(target=target, time=time, entity=entity, text=text, positive=positive)
    proposal = propose(table, source, name or data.name.split(".")[0], roles)
    settings = render_template(proposal.sections)
    # what is written must work: the contract is inferred once, for its errors
    contract = infer_contract(table, parse_config(settings, name=str(output), base=output.parent))
    write_text(output, settings)
    typer.echo(f"{data}: {table.num_rows:,} rows, {table.num_columns} columns")
    for remark in proposal.remarks:
        typer.echo(f"  {remark}")
    typer.echo(
        f"  features: {len(contract.features)} ({_listed([c.name for c in contract.features])})"
    )
    typer.echo(f"wrote {output}\nnext: look through it, then timonel train -c {output}")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
