"""What the monitor of a release says, asked through the API server's proxy of Services."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from timonel_pipelines.cluster.answers import Answer

PORT = 9400
Ask = Callable[[str], Answer]


@dataclass(frozen=True)
class Watch:
    """What a monitor knows of its model; None where it is not known."""

    state: str | None = None
    """Such as well, watch, degraded."""
    sentence: str = ""
    verdict: str | None = None
    """Of the rollout that is open, or was the last."""
    open: bool = False
    """Whether that rollout is under way."""
    heard: datetime | None = None
    """When a detector was last heard of."""
    trouble: str = ""
    """Why nothing is known."""


def watch_of(get: Ask, namespace: str, release: str, model: str) -> Watch:
    """Ask the monitor of a release. Its reading interface needs no token."""
    root = f"/api/v1/namespaces/{namespace}/services/{release}-monitor:{PORT}/proxy"
    base = f"{root}/v1/models/{quote(model, safe='')}"
    health = get(f"{base}/health")
    if not health.ok:
        return Watch(trouble=health.message or f"HTTP {health.status}")
    detectors, rollouts = get(f"{base}/detectors"), get(f"{base}/rollouts")
    verdict, under_way = _verdict(rollouts)
    return Watch(
        state=health.body.get("state"),
        sentence=health.body.get("sentence", ""),
        verdict=verdict,
        open=under_way,
        heard=_heard(detectors),
    )


def _verdict(answer: Answer) -> tuple[str | None, bool]:
    found: list[dict[str, Any]] = answer.body.get("rollouts") or [] if answer.ok else []
    if not found:
        return None, False
    newest = next((one for one in found if not one["final"]), found[0])
    return str(newest["verdict"]), not newest["final"]


def _heard(answer: Answer) -> datetime | None:
    found = answer.body.get("detectors") or [] if answer.ok else []
    times = [datetime.fromisoformat(one["last_heard"].replace("Z", "+00:00")) for one in found]
    return max(times, default=None)
