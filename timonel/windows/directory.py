"""The series of a state by version and slice, with those that share the place of the others."""

from collections.abc import Mapping

from timonel.errors import BadInput
from timonel.windows.clock import Clock
from timonel.windows.layout import EVENTS, ROLL, SERVED, Layout
from timonel.windows.names import OTHER, Names, natural
from timonel.windows.sketch import HeavyHitters
from timonel.windows.tiers import Tiers

Key = tuple[str, str, str]
"""Version, slicing column, its value; the latter two empty for the whole version."""

Slice = tuple[str, str]
"""A slicing column and its value."""

VERSION = "version"


class Directory:
    """Finds the counters of a version, or of one value of a slicing column in it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.series: dict[Key, Tiers] = {}
        listed = {column: frozenset(values) for column, values in layout.listed}
        bounds = {
            VERSION: layout.max_versions,
            **dict.fromkeys(layout.slices, layout.max_slice_values),
        }
        self.names = {
            column: Names(bound, HeavyHitters(layout.sketch_size), listed.get(column))
            for column, bound in bounds.items()
        }

    def copy(self) -> "Directory":
        """The same series, independent."""
        twin = Directory(self.layout)
        twin.series = {key: tiers.copy() for key, tiers in self.series.items()}
        twin.names = {column: names.copy() for column, names in self.names.items()}
        return twin

    def tiers(self, key: Key) -> Tiers:
        """The counters of a series; made when they are first needed."""
        if key not in self.series:
            self.series[key] = Tiers(self.layout, sliced=bool(key[1]))
        return self.series[key]

    def values(self, column: str) -> list[str]:
        """The versions, or the values of a slicing column, with counters: in natural order."""
        if column == VERSION:
            return sorted({version for version, _, _ in self.series}, key=natural)
        self.names_of(column)
        return sorted({value for _, c, value in self.series if c == column}, key=natural)

    def names_of(self, column: str) -> Names:
        """Which values of a column have counters of their own; BadInput if it is not sliced by."""
        if column not in self.names:
            raise BadInput(
                f"there is no slice by {column!r}, expected one of {', '.join(self.names)}",
                fix="name the column among the slices of the monitor",
            )
        return self.names[column]

    def chosen(self, version: str | None, slice: Slice | None) -> list[Tiers]:
        """The series of a version (None: of each) and a slice (None: the whole)."""
        column, value = slice or ("", "")
        if version is not None:
            self._require(VERSION, version)
        if slice is not None:
            self._require(column, value)
        return [
            tiers
            for key, tiers in self.series.items()
            if key[1:] == (column, value) and version in (None, key[0])
        ]

    def _require(self, column: str, name: str) -> None:
        names = self.names_of(column)
        if names.crowded and name not in names.kept | {OTHER}:
            raise BadInput(
                f"{column} {name!r} has no counters of its own: it is among the {OTHER!r} ones",
                why=f"at most {names.bound} are counted apart",
                fix="list it, or raise the bound",
            )

    def admit(self, column: str, counts: Mapping[str, int], clock: Clock) -> None:
        """Let the names of a batch in, at the expense of those that must make room."""
        names = self.names[column]
        if counts.keys() <= names.kept:
            return
        evicted = names.admit(counts)
        if evicted:
            names.evicted(self.totals(column, evicted, clock))
            self._dissolve(column, evicted, clock)

    def _dissolve(self, column: str, evicted: set[str], clock: Clock) -> None:
        """Add the counters of the evicted to those of OTHER."""
        for key, tiers in list(self.series.items()):
            version, sliced_by, value = key
            if column == VERSION and version in evicted:
                target = OTHER, sliced_by, value
            elif column == sliced_by and value in evicted:
                target = version, sliced_by, OTHER
            else:
                continue
            del self.series[key]
            self.tiers(target).absorb(tiers, clock)

    def absorb(self, other: "Directory", clock: Clock) -> None:
        """Add the series of another directory of the same layout, as far advanced."""
        for column, names in self.names.items():
            theirs = other.names[column]
            self.admit(column, dict.fromkeys(theirs.kept, 0), clock)
            names.sketch.merge(theirs.sketch)
            names.crowded |= theirs.crowded
            # what they keep apart and we do not goes to OTHER, and to the sketch
            lost = theirs.kept - names.kept
            if lost:
                names.evicted(other.totals(column, lost, clock))
        for (version, column, value), tiers in other.series.items():
            version = self.names[VERSION].place(version)
            value = self.names[column].place(value) if column else value
            self.tiers((version, column, value)).absorb(tiers, clock)

    def totals(self, column: str, names: set[str], clock: Clock) -> dict[str, int]:
        """The predictions of each of the names, in the windows."""
        counts = dict.fromkeys(names, 0)
        for key, tiers in self.series.items():
            name = key[0] if column == VERSION else key[2]
            if name in names and key[1] == ("" if column == VERSION else column):
                rolls = clock.live(tiers.steps)[ROLL]
                counts[name] += int(tiers.ring(EVENTS, ROLL).total(*rolls)[SERVED])
        return counts

    def forget(self, horizon: int) -> None:
        """Drop the series whose events have all expired, and their names."""
        for key, tiers in list(self.series.items()):
            if tiers.newest is not None and tiers.newest < horizon:
                del self.series[key]
        for column, names in self.names.items():
            names.kept.intersection_update(self.values(column))
