"""Model files of scikit-learn: skops with a list of trusted types of our own, never pickle."""

from pathlib import Path
from typing import Any

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from timonel.errors import BadInput, Corrupt
from timonel.files import staged_file
from timonel.trust import TRUSTED_TYPES


def save_model(model: Any, path: Path) -> None:
    """Write a model, whole or not at all."""
    with staged_file(path) as stage:
        skops.io.dump(model, stage)


def load_model(path: Path) -> Any:
    """Read a model; raises `Corrupt` for a file that holds any type which is not trusted."""
    try:
        return skops.io.load(path, trusted=list(TRUSTED_TYPES))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such model file") from None
    except UntrustedTypesFoundException as error:
        raise Corrupt(
            f"{path}: not loaded: {error}",
            why="a model file may hold only the types that timonel.trust names",
            fix="if you made the file yourself, train with one of the candidates of timonel.yaml",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"{path}: not a readable model file: {error}") from None
