"""The releases as a table that fits a terminal of 80 columns."""

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from timonel_pipelines.cluster.releases.release import Arm, Release
from timonel_pipelines.cluster.releases.watch import Watch

Row = tuple[Release, Watch]
_STYLES = {"well": "green", "watch": "yellow", "degraded": "bold red", "stale": "yellow"}
_STALE = 300.0
"""Seconds of silence after which it shows."""


def table(rows: Sequence[Row], now: datetime) -> Table:
    """A row for each version of a release; the namespace only where there are several."""
    several = len({one.namespace for one, _ in rows}) > 1
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    found.add_column("model", overflow="fold")
    found.add_column("serves", overflow="fold")
    found.add_column("traffic", justify="right", no_wrap=True)
    found.add_column("ready", justify="right", no_wrap=True)
    found.add_column("package", no_wrap=True)
    found.add_column("state", overflow="fold")
    found.add_column("rollout", overflow="fold")
    found.add_column("heard", no_wrap=True)
    for release, watch in rows:
        _add(found, release, watch, now, several=several)
    return found


def _add(to: Table, release: Release, watch: Watch, now: datetime, *, several: bool) -> None:
    name = f"{release.namespace}/{release.name}" if several else release.name
    stable, canary = release.stable, release.canary
    share = release.weight if canary is not None else 0
    state = Text(watch.state or "unknown", style=_STYLES.get(watch.state or "", "dim"))
    to.add_row(
        Text(name, style="bold"),
        stable.version,
        _percent(None if share is None else 100 - share),
        _ready(stable),
        _digest(stable),
        state,
        _rollout(watch),
        _heard(watch, now),
    )
    if canary is not None:
        beside = Text("  canary", style="dim"), canary.version, _percent(release.weight)
        to.add_row(*beside, _ready(canary), _digest(canary))


def _percent(share: int | None) -> str:
    return "unknown" if share is None else f"{share} %"


def _ready(arm: Arm) -> Text:
    if arm.ready is None or arm.wanted is None:
        return Text("unknown", style="dim")
    return Text(f"{arm.ready}/{arm.wanted}", style="" if arm.ready >= arm.wanted else "bold red")


def _digest(arm: Arm) -> Text:
    return Text(arm.digest or "unpinned", style="" if arm.digest else "yellow")


def _rollout(watch: Watch) -> Text:
    if watch.trouble:
        return Text("unknown", style="dim")
    if watch.verdict is None:
        return Text("none", style="dim")
    return Text(watch.verdict if watch.open else f"ended: {watch.verdict}")


def _heard(watch: Watch, now: datetime) -> Text:
    """How long ago a detector was heard of."""
    if watch.heard is None:
        return Text("unknown" if watch.trouble else "never", style="dim")
    seconds = max((now - watch.heard).total_seconds(), 0.0)
    return Text(age(seconds), style="yellow" if seconds > _STALE else "")


def age(seconds: float) -> str:
    """Such as 12 s, 3 min, 5 h, 2 d."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
