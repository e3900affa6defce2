"""Secrets: from the environment, or from a file that it names."""

from collections.abc import Mapping
from pathlib import Path

from timonel.errors import BadInput

TOKEN = "TIMONEL_TOKEN"  # noqa: S105  the variable's name


def secret(name: str, environment: Mapping[str, str]) -> str | None:
    """The value of NAME, else the content of the file that NAME_FILE names; None without either.

    Raises BadInput for one that is empty, or for a file that cannot be read.
    """
    path = environment.get(f"{name}_FILE")
    if name not in environment and path is None:
        return None
    try:
        value = environment[name] if path is None else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is no text"
        raise BadInput(f"{name}_FILE is {path}: it cannot be read: {said}") from None
    if not value.strip():
        raise BadInput(f"{name} is empty", fix=f"set it, or unset {name} and {name}_FILE")
    return value.strip()
