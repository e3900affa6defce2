"""The monitor's API of rollouts."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from releasing.trouble import Trouble

CONFLICT = 409


class Refused(Trouble):
    """The monitor's answer was no."""

    def __init__(self, said: str, status: int) -> None:
        super().__init__(said)
        self.status = status


@dataclass(frozen=True)
class Judge:
    """The monitor that hosts the judge."""

    address: str
    token: str | None
    patience: int  # looks in a row that may fail

    def open(self, model: str, stable: str, canary: str, name: str) -> dict[str, Any]:
        """Have the canary judged; the answer to the same question again is the same rollout."""
        body = {"id": name, "stable": stable, "canary": canary}
        return self._ask("POST", f"/v1/models/{model}/rollouts", body)

    @contextmanager
    def told(self, name: str, weight: int) -> Iterator[None]:
        """Tell that the route changes, and when the block is over what it was set to."""
        self._tell(name, None)
        yield
        self._tell(name, weight)

    def _tell(self, name: str, weight: int | None) -> None:
        """A judge that has ended meanwhile need not know."""
        try:
            self._ask("PUT", f"/v1/rollouts/{name}/weight", {"weight": weight})
        except Refused as refused:
            if refused.status != CONFLICT:
                raise

    def verdict(self, name: str) -> dict[str, Any]:
        """Return the verdict so far."""
        return self._ask("GET", f"/v1/rollouts/{name}/verdict", None)

    def close(self, name: str) -> dict[str, Any]:
        """End it; one that has ended keeps its verdict, which is returned."""
        try:
            return self._ask("DELETE", f"/v1/rollouts/{name}", None)
        except Refused as refused:
            if refused.status != CONFLICT:
                raise
            return self.verdict(name)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        for look in range(self.patience):
            try:
                return self._once(method, path, body)
            except urllib.error.HTTPError as error:
                said = f"{method} {path}: {error.code} {error.read()[:500]!r}"
                raise Refused(said, error.code) from error
            except OSError as error:  # the monitor restarts: it keeps what it was told
                trouble = error
                time.sleep(min(2**look, 30))
        raise Trouble(f"{method} {path}: {trouble}; asked {self.patience} times")

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is the operator's
            self.address + path, data=data, headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found
