"""The monitor's exact counts of one model, over HTTP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from timonel.canary.cutting import Counted, Totals
from timonel.errors import Unavailable


@dataclass(frozen=True)
class Counts:
    """The monitor's counts of one model."""

    url: str
    model: str
    token: str | None = None

    def since(self, start: datetime) -> Totals:
        """All that happened since; raises Unavailable while the monitor does not answer."""
        found = self._ask(start)
        versions = {one["version"]: Counted.model_validate(one) for one in found["versions"]}
        return Totals(edges_ms=tuple(found["latency_edges_ms"]), versions=versions)

    def _ask(self, start: datetime) -> dict[str, Any]:
        at = f"{self.url}/v1/models/{self.model}/counts"
        headers = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        try:
            answer = httpx.get(at, params={"start": start.isoformat()}, headers=headers, timeout=10)
        except httpx.TransportError as error:
            raise Unavailable(
                f"the monitor at {self.url} does not answer: {error}",
                fix="start it with timonel watch, or give its address with --monitor",
            ) from None
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"the monitor answered {answer.status_code}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found
