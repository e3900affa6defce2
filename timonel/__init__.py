"""Timonel keeps a model in production on course.

The names below are the public surface; they load on first use, so that `import timonel` is cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from timonel.config import Config as Config
    from timonel.contract import DataContract as DataContract

__version__ = "0.1.0"

_PUBLIC = {"Config": "timonel.config", "DataContract": "timonel.contract"}

__all__ = ["Config", "DataContract", "__version__"]


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'timonel' has no attribute '{name}'")
