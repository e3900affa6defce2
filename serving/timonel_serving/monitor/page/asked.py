"""What a page is asked to show, as its address says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from timonel.errors import BadInput

RANGES = {
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "14d": timedelta(days=14),
    "90d": timedelta(days=90),
}
USUAL = "14d"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KNOWN = ("range", "start", "end", "version", "feature", "at")
LONGEST = 300
"""Letters of a version's or a feature's name in an address."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A stretch of time, a version, a feature; all in the address, so that it can be sent to others."""

    range: str = USUAL
    """Up to the newest event; empty where start or end is given."""
    start: datetime | None = None
    end: datetime | None = None
    version: str | None = None
    feature: str | None = None
    at: datetime | None = None
    """The window whose values of the feature are shown; None: the newest day."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Asked":
        """Read the query; what is empty or not known is left out. Raises BadInput for what is no time."""
        given = {name: query[name] for name in KNOWN if query.get(name)}
        start, end, at = (_time(given.get(name), name) for name in ("start", "end", "at"))
        if start is not None and end is not None and start >= end:
            raise BadInput(
                f"the time shown ends at {end:%d %b %Y %H:%M}, expected later than its start"
                f" {start:%d %b %Y %H:%M}",
                fix="give a later end",
            )
        free = start is not None or end is not None
        chosen = "" if free else given.get("range", USUAL)
        if chosen and chosen not in RANGES:
            raise BadInput(
                f"range is {chosen[:40]!r}, expected one of {', '.join(RANGES)}",
                fix="choose one of them, or give start and end",
            )
        version, feature = given.get("version", ""), given.get("feature", "")
        return cls(chosen, start, end, version[:LONGEST] or None, feature[:LONGEST] or None, at)

    def span(self, newest: datetime | None) -> tuple[datetime | None, datetime | None]:
        """From and to; both may be open."""
        if not self.range or newest is None:
            return self.start, self.end
        return max(newest - RANGES[self.range], EPOCH), None

    def query(self, **changes: Any) -> str:
        """The address's query after changes, from "?" on; what is usual is left out."""
        one = replace(self, **changes)
        values = {
            "range": "" if one.range == USUAL else one.range,
            "start": _text(one.start),
            "end": _text(one.end),
            "version": one.version,
            "feature": one.feature,
            "at": _text(one.at),
        }
        return "?" + urlencode({name: value for name, value in values.items() if value})

    def around(self, start: datetime, end: datetime) -> str:
        """The query that shows a happening with some time before and after it."""
        room = max((end - start) / 4, timedelta(hours=3))
        return self.query(range="", start=start - room, end=end + room)


def _time(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"{name} is {text[:40]!r}, expected a time",
            fix="give it as 2026-01-22T06:00, in UTC",
        ) from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if not 1970 < found.year < 9999:
        raise BadInput(f"{name} is {text[:40]!r}, expected a time after 1970", fix="give another")
    return found


def _text(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%M}"
