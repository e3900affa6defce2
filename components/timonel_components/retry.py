"""Tries again while a server is down, waits longer each time, and ends with a word on how to resume."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from timonel.errors import Unavailable

DOWN = ("TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED")
"""MLflow's codes for a server that cannot answer now."""


@dataclass(frozen=True)
class Retry:
    """How often and how long to try; waits are seconds and double each time, up to `longest`."""

    what: str
    attempts: int = 6
    first: float = 0.5
    longest: float = 8.0
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call the function until it answers; an error that is not about being down passes at once."""
        for attempt in range(self.attempts):
            try:
                return function(*arguments, **named)
            except Exception as error:
                if not _is_down(error):
                    raise
                last = error
            if attempt < self.attempts - 1:
                self.sleep(min(self.longest, self.first * 2**attempt))
        raise Unavailable(
            f"MLflow at {self.what} does not answer after {self.attempts} attempts: {_brief(last)}",
            fix="start it, or mend storage.tracking_uri or MLFLOW_TRACKING_URI; then run the same command"
            " again: data that is already ingested is not ingested twice",
        ) from last


def _is_down(error: Exception) -> bool:
    return isinstance(error, ConnectionError | TimeoutError) or (
        getattr(error, "error_code", None) in DOWN
    )


def _brief(error: Exception) -> str:
    text = (str(error).splitlines() or [type(error).__name__])[0]
    return text if len(text) <= 200 else text[:197] + "..."
