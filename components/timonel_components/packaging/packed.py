"""What packing a model came to."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Packed:
    """How the packed model will be served."""

    backend: Literal["onnx", "skops", "tables"]
    serving: str
    """A sentence for the model card."""
    reason: str | None = None
    """Why not by ONNX Runtime, where a classifier is not."""
