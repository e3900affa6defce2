"""Which files are folded, and how they are shared out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby

from timonel.fold.snapshot import LogFile
from timonel.monitor.ahead import CONFIRMED_BY
from timonel.monitor.parcel import Parcel

DAY_TOO_FAR_AHEAD = "day lies too far ahead: left out"

Numbered = tuple[int, LogFile]
"""A file and its place among all."""


@dataclass(frozen=True)
class Plan:
    """The files that are folded."""

    files: tuple[LogFile, ...]
    ahead: int
    """Rows of days that lie too far ahead to be believed: left out."""

    @property
    def rows(self) -> int:
        """The rows of the files, selected or not."""
        return sum(file.rows for file in self.files)

    def waiting_from(self, limit: int) -> date:
        """The day from which on predictions may still get a label: of so many of the newest rows, and of the
        newest day in any case. Of earlier ones nobody could remember all."""
        held, since = 0, self.files[-1].day
        for file in reversed(self.files):
            held += file.rows
            if held > limit:
                break
            since = file.day
        return since

    def shares(self, rows: int, least: int = 1) -> Iterator[tuple[Numbered, ...]]:
        """The files in turn, so many rows or one file a share; `least` shares or more if there are files."""
        limit = max(min(rows, self.rows // least), 1)
        share: list[Numbered] = []
        held = 0
        for number, file in enumerate(self.files):
            if share and held + file.rows > limit:
                yield tuple(share)
                share, held = [], 0
            share.append((number, file))
            held += file.rows
        if share:
            yield tuple(share)


def plan(files: Sequence[LogFile], max_ahead: timedelta) -> Plan:
    """Take all files but those of a few rows that lie beyond a gap: a clock that runs ahead, or a date that
    stands for none, must not age all others."""
    days = [(day, sum(f.rows for f in of)) for day, of in groupby(files, key=lambda f: f.day)]
    end, beyond = len(days), 0
    for place in range(len(days) - 1, 0, -1):
        beyond += days[place][1]
        if beyond >= CONFIRMED_BY:
            break
        if days[place][0] - days[place - 1][0] > max_ahead + timedelta(days=1):
            end = place
    kept = tuple(file for file in files if file.day <= days[end - 1][0]) if days else ()
    return Plan(kept, sum(rows for _, rows in days[end:]))


def with_left_out(parcel: Parcel, planned: Plan) -> Parcel:
    """What was counted, together with what was left out beforehand."""
    if not planned.ahead:
        return parcel
    return replace(parcel, rejected={**parcel.rejected, DAY_TOO_FAR_AHEAD: planned.ahead})
