"""Options that the commands of this package share: which model, and what to do with broken rows."""

from typing import Annotated

import typer

from timonel.terms import OnViolation

PackageUri = Annotated[
    str | None,
    typer.Option(
        "--package",
        help="A package's folder, or file://, s3://, gs:// or models:/NAME/VERSION, "
        "instead of one from the registry.",
    ),
]
Digest = Annotated[
    str | None,
    typer.Option("--digest", help="SHA-256 of the package that it has to be: no other is opened."),
]
ReferenceUri = Annotated[
    str | None,
    typer.Option(
        help="A model package (a folder, file://, s3://, gs:// or models:/NAME/VERSION), or a file of "
        "Reference.save. Default: the first stable stretch."
    ),
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
