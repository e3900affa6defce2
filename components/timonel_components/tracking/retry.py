"""Tries again while a server is down, waits longer each time, and ends with a word on how to resume."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from timonel.errors import BadInput, Unavailable

DOWN = ("TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED")
"""MLflow's codes for a server that cannot answer now."""
REFUSED = ("UNAUTHENTICATED", "PERMISSION_DENIED", "ENDPOINT_NOT_FOUND")
"""MLflow's codes for a server that will not answer us, or is no MLflow."""


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
                if _code(error) in REFUSED:
                    raise self._refused(error) from error
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

    def _refused(self, error: Exception) -> BadInput:
        return BadInput(
            f"MLflow at {self.what} refuses: {_brief(error)}",
            fix="check the address; MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or"
            " MLFLOW_TRACKING_TOKEN; and that the server's --allowed-hosts names the address",
        )


def _is_down(error: Exception) -> bool:
    response = getattr(error, "response", None)
    if isinstance(error, requests.HTTPError) and response is not None:
        return bool(response.status_code == 429 or response.status_code >= 500)
    lost = (ConnectionError, TimeoutError, requests.ConnectionError, requests.Timeout)
    return isinstance(error, lost) or _code(error) in DOWN


def _code(error: Exception) -> str | None:
    """The code of an error of MLflow's."""
    return getattr(error, "error_code", None)


def _brief(error: Exception) -> str:
    text = (str(error).splitlines() or [type(error).__name__])[0]
    return text if len(text) <= 200 else text[:197] + "..."
