"""Divides a table into rows to learn from, rows to choose by, and rows to judge by.

With a time column the division is by time, never random: the newest rows are the test, those before
them the validation. Rows of one instant stay together, and an embargo may keep a stretch free before
validation and test, so that no label is used that would not have been known. Without a time column the
division is a seeded shuffle that keeps the shares of the classes, or the entities whole.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.config import Config, Task
from timonel.durations import format_duration
from timonel.errors import BadInput
from timonel_components.data.naming import source_name
from timonel_components.data.recent import since
from timonel_components.data.splits import Part, Splits, SplitSummary

Rows = NDArray[np.int64]
Parts = tuple[Rows, Rows, Rows]


def split(table: pa.Table, config: Config) -> Splits:
    """Divide the table; raises `BadInput` where a part would lack rows or a class."""
    method, how = _method(config)
    whole = table
    table, reservoir = since(whole, config)
    train, validation, test = how(table, config)
    capped = train[-config.train.max_rows :]
    left_out = table.num_rows - len(train) - len(validation) - len(test)
    parts = [table.take(rows) for rows in (capped, validation, test)]
    parts[0] = pa.concat_tables([reservoir, parts[0]])
    if config.model.task is not Task.RANKING:
        for name, part in zip(("training", "validation", "test"), parts, strict=True):
            _check_classes(name, part, table, config)
    summary = SplitSummary(
        method=method,
        train=_describe(parts[0], config),
        validation=_describe(parts[1], config),
        test=_describe(parts[2], config),
        embargoed=left_out,
        beyond_max_rows=len(train) - len(capped),
        before_since=whole.num_rows - table.num_rows - reservoir.num_rows,
    )
    return Splits(parts[0], parts[1], parts[2], summary)


def _method(config: Config) -> tuple[str, Callable[[pa.Table, Config], Parts]]:
    if config.data.time is not None:
        return f"by time ({config.data.time})", _by_time
    if config.data.entity is not None:
        return f"by entity ({config.data.entity}), shuffled", _by_entity
    return "shuffled, keeping the shares of the classes", _stratified


def _by_time(table: pa.Table, config: Config) -> Parts:
    name = str(config.data.time)
    times = _instants(table[name])
    order = np.argsort(times, kind="stable")
    times = times[order]
    validation_at, test_at = _cuts(times, config)
    gap = _embargo(table[name].type, config)
    train_end = np.searchsorted(times, times[validation_at] - gap, side="left")
    validation_end = np.searchsorted(times, times[test_at] - gap, side="left")
    if not train_end or validation_end <= validation_at:
        raise BadInput(
            f"{source_name(config)}: an embargo of {format_duration(_span(config))} leaves no rows for"
            f" {'training' if not train_end else 'validation'}",
            fix="shorten split.embargo (default: data.label_delay), or use a longer history",
        )
    return order[:train_end], order[validation_at:validation_end], order[test_at:]


def _instants(column: pa.ChunkedArray) -> Rows:
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _cuts(times: Rows, config: Config) -> tuple[int, int]:
    """Where validation and test begin: at the change of instant nearest to the shares asked for."""
    changes = np.flatnonzero(np.diff(times)) + 1
    if len(changes) < 2:
        raise BadInput(
            f"{source_name(config)}: the time column {config.data.time} has {len(changes) + 1} distinct"
            " values, a split by time needs three at least: training, validation, test",
            fix="use a finer time column, or take data.time out to split at random",
        )
    n, shares = len(times), config.split
    test_at = _nearest(changes[1:], n * (1 - shares.test))
    validation_at = _nearest(changes[changes < test_at], n * (1 - shares.test - shares.validation))
    return validation_at, test_at


def _nearest(places: Rows, wanted: float) -> int:
    return int(places[np.abs(places - wanted).argmin()])


def _span(config: Config) -> timedelta:
    return config.data.label_delay if config.split.embargo is None else config.split.embargo


def _embargo(dtype: pa.DataType, config: Config) -> int:
    span = _span(config)
    if span and not pa.types.is_timestamp(dtype):
        raise BadInput(
            f"{source_name(config)}: the time column {config.data.time} holds {dtype}, and an embargo of"
            f" {format_duration(span)} needs dates or times",
            fix="turn the column into dates, or set split.embargo and data.label_delay to 0s",
        )
    return int(span / timedelta(microseconds=1))


def _stratified(table: pa.Table, config: Config) -> Parts:
    rng = np.random.default_rng(config.train.seed)
    codes = table[config.data.target].combine_chunks().dictionary_encode().indices.to_numpy()
    parts: list[list[Rows]] = [[], [], []]
    for code in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        for part, chosen in zip(parts, np.split(rows, _marks(len(rows), config)), strict=True):
            part.append(chosen)
    train, validation, test = (rng.permutation(np.concatenate(part)) for part in parts)
    return train, validation, test


def _by_entity(table: pa.Table, config: Config) -> Parts:
    rng = np.random.default_rng(config.train.seed)
    codes = table[config.data.entity].combine_chunks().dictionary_encode("encode").indices
    entity = codes.to_numpy()
    place = rng.permutation(int(entity.max()) + 1)[entity]
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], place[order][_marks(len(order), config)], side="left")
    train, validation, test = np.split(order, ends)
    return train, validation, test


def _marks(n: int, config: Config) -> list[int]:
    shares = config.split
    test = round(n * shares.test)
    return [n - test - round(n * shares.validation), n - test]


def _check_classes(name: str, part: pa.Table, table: pa.Table, config: Config) -> None:
    target = config.data.target
    expected, present = (pc.unique(t[target]).to_pylist() for t in (table, part))
    # of many classes a rare one may be absent from the rows that judge, never from those that teach
    enough = len(expected) if name == "training" or len(expected) == 2 else 2
    if len(present) >= enough:
        return
    absent = ", ".join(repr(v) for v in expected if v not in present)
    raise BadInput(
        f"{source_name(config)}: the {name} rows ({part.num_rows:,} of {table.num_rows:,}) hold no"
        f" {target} = {absent}",
        why="a model cannot be trained, chosen or judged on rows of one class",
        fix="use more rows, or larger split.validation and split.test",
    )


def _describe(part: pa.Table, config: Config) -> Part:
    start, end = _period(part, config)
    return Part(rows=part.num_rows, start=start, end=end, classes=_classes(part, config))


def _classes(part: pa.Table, config: Config) -> dict[str, int]:
    """Rows of each class; a ranking has none."""
    if config.model.task is Task.RANKING:
        return {}
    counts = pc.value_counts(part[config.data.target]).to_pylist()
    return dict(sorted((str(entry["values"]), entry["counts"]) for entry in counts))


def _period(part: pa.Table, config: Config) -> tuple[str | None, str | None]:
    if config.data.time is None:
        return None, None
    ends = pc.min_max(part[config.data.time]).as_py()
    return _written(ends["min"]), _written(ends["max"])


def _written(instant: datetime | int) -> str:
    if isinstance(instant, datetime):
        return instant.astimezone(UTC).isoformat()
    return str(instant)
