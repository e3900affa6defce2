"""Options that the commands of this package share: which model, and what to do with broken rows."""

from pathlib import Path
from typing import Annotated

import typer

from timonel.terms import OnViolation

PackagePath = Annotated[
    Path | None,
    typer.Option("--package", help="A package's folder, instead of one from the registry."),
]
Alias = Annotated[
    str | None, typer.Option("--alias", help="Which registered version: champion, challenger.")
]
ModelVersion = Annotated[
    str | None,
    typer.Option(
        "--model-version",
        help="The number of a registered version; with --package, the name to report for it.",
    ),
]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Violations = Annotated[
    OnViolation | None,
    typer.Option("--on-violation", help="What to do with rows that break the contract."),
]
