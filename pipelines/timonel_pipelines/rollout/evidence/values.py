"""Business figures of the versions, from a table that the user appends to."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
from pydantic import BaseModel, ConfigDict

from timonel.canary import Arm, Block, Metric, Moments
from timonel.errors import BadInput
from timonel.terms import Evidence


class Figure(BaseModel):
    """What was added up of one figure of one version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    total: float = 0.0
    squares: float = 0.0


Figures = dict[str, dict[str, Figure]]
"""By version, then by metric."""


def valued(metrics: Iterable[Metric], told_elsewhere: Iterable[str]) -> tuple[str, ...]:
    """The metrics of a plan that such a table has to tell."""
    elsewhere = set(told_elsewhere)
    return tuple(m.name for m in metrics if m.kind is Evidence.VALUE and m.name not in elsewhere)


@dataclass(frozen=True)
class Values:
    """The table: `time`, `version` and a column for each metric; a row a request that brought something."""

    source: str
    """A CSV or Parquet file, or a glob of them."""
    metrics: tuple[str, ...]

    def since(self, start: datetime, versions: Sequence[str]) -> Figures:
        """All that was added up since; raises BadInput for a table that does not tell it."""
        columns = [f"CAST({_quoted(name)} AS DOUBLE)" for name in self.metrics]
        sums = [f"sum({x}{by})" for x in columns for by in ("", f" * {x}")]
        try:
            with duckdb.connect() as engine:
                engine.execute("SET TimeZone = 'UTC'")
                table = engine.sql(f"FROM {self._table}")
                fresh = table.filter(f"CAST(time AS TIMESTAMPTZ) >= '{start.isoformat()}'")
                rows = fresh.aggregate(", ".join(["CAST(version AS VARCHAR)", *sums])).fetchall()
        except duckdb.Error as error:
            raise BadInput(
                f"release.values {self.source} cannot be read: {str(error).splitlines()[0]}",
                fix=f"give it the columns time, version, {', '.join(self.metrics)}",
            ) from None
        return {v: self._figures(sums) for v, *sums in rows if v in versions}

    @property
    def _table(self) -> str:
        reader = "read_parquet" if self.source.endswith(".parquet") else "read_csv"
        return f"{reader}('{self.source.replace(chr(39), 2 * chr(39))}')"

    def _figures(self, sums: Sequence[float | None]) -> dict[str, Figure]:
        found = {}
        for i, name in enumerate(self.metrics):
            total, squares = (float(x or 0.0) for x in sums[2 * i : 2 * i + 2])
            if not (math.isfinite(total) and math.isfinite(squares)):
                raise BadInput(
                    f"release.values {self.source}: {name} has infinite or missing numbers"
                )
            found[name] = Figure(total=total, squares=squares)
        return found


def joined(
    block: Block, versions: tuple[str, str], before: Figures, now: Figures
) -> tuple[Block, Figures]:
    """A block with what came in since, and what is in it or before it.

    A request without a row brought nothing. Figures of a version that had no request wait for its next block.
    """
    known = dict(before)
    arms = []
    for version, arm in zip(versions, (block.stable, block.canary), strict=True):
        if arm.requests:
            arms.append(_with(arm, before.get(version, {}), now.get(version, {})))
            known[version] = now.get(version, {})
        else:
            arms.append(arm)
    return replace(block, stable=arms[0], canary=arms[1]), known


def _with(arm: Arm, before: Mapping[str, Figure], now: Mapping[str, Figure]) -> Arm:
    fresh = {}
    for name, found in now.items():
        old = before.get(name, Figure())
        more = max(found.squares - old.squares, 0.0)
        fresh[name] = Moments(arm.requests, found.total - old.total, more)
    return replace(arm, values={**arm.values, **fresh})


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
