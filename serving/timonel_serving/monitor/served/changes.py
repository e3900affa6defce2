"""What changed from one release to the next, in one sentence."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from timonel_serving.monitor.served.file import Serving

MOST_SMALL = 50
"""Changes of weight or revision alone that are recorded between two of the versions."""


class Seen(BaseModel):
    """What a release made serve, and when that was seen first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    what: Serving


def worth(seen: Sequence[Seen], found: Serving) -> bool:
    """Whether it differs from what was seen last, and is not one small change too many."""
    if not seen or seen[-1].what.identity != found.identity:
        return True
    small = 0
    for one in reversed(seen):
        if one.what.identity != found.identity:
            break
        small += 1
    return seen[-1].what != found and small <= MOST_SMALL


def since(seen: Sequence[Seen]) -> datetime | None:
    """Since when the stable version has been the one that it is."""
    found = None
    for one in reversed(seen):
        if one.what.stable != seen[-1].what.stable:
            break
        found = one.at
    return found


def summary(before: Sequence[Seen], now: Serving) -> str:
    """The change from the last of those before, in words."""
    said = _first(now) if not before else "; ".join(_changes(before, now))
    return f"{said} (Helm revision {now.revision})" if now.revision else said


def _first(now: Serving) -> str:
    beside = "" if now.canary is None else f", {_canary(now)}"
    return f"version {now.stable} serves{beside}"


def _changes(before: Sequence[Seen], now: Serving) -> list[str]:
    old = before[-1].what
    found = _of_stable(before, now) + _of_canary(old, now)
    if old.strategy != now.strategy:
        found.append(f"traffic is split by {now.strategy}, it was by {old.strategy}")
    if not found:
        found.append(f"version {now.stable} goes on serving")
    return found


def _of_stable(before: Sequence[Seen], now: Serving) -> list[str]:
    old = before[-1].what
    if now.stable != old.stable:
        if now.stable == old.canary:
            return [f"stable: version {old.stable} -> {now.stable}, the canary was promoted"]
        back = any(one.what.stable == now.stable for one in before)
        word = "rolled back" if back else "set"
        return [f"stable: version {old.stable} -> {now.stable}, {word}"]
    if now.package.stable.digest != old.package.stable.digest:
        return [f"version {now.stable} is served from another package than before"]
    return []


def _of_canary(old: Serving, now: Serving) -> list[str]:
    if now.canary is None:
        return _without_canary(old, now)
    if now.canary == now.stable != old.stable:
        return []  # it was promoted, and goes later
    if now.canary != old.canary:
        return [_canary(now)]
    if now.identity[-1] != old.identity[-1]:
        return [f"canary: version {now.canary} is served from another package than before"]
    if now.weight != old.weight:
        return [f"canary: version {now.canary} {old.weight} -> {now.weight} %"]
    return []


def _without_canary(old: Serving, now: Serving) -> list[str]:
    if old.canary is None or old.canary == now.stable != old.stable:
        return []
    if old.canary == old.stable:
        return [f"canary: its copy of version {old.canary} is gone"]
    return [f"canary: version {old.canary} was withdrawn"]


def _canary(now: Serving) -> str:
    return f"canary: version {now.canary} at {now.weight} %"
