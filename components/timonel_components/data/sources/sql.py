"""Tables that a SQL database answers with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError

from timonel.errors import BadInput, Unavailable

FETCH_ROWS = 50_000
"""Rows fetched at once."""


def is_sql(source: str) -> bool:
    """Whether the address is a URL of a database that SQLAlchemy knows."""
    try:
        make_url(source).get_dialect()
    except (ArgumentError, NoSuchModuleError):
        return False
    return True


def read_sql(source: str, query: str | None, base: Path) -> pa.Table:
    """Run the query and read its rows; messages never show the URL's password."""
    url = _resolved(make_url(source), base)
    shown = url.render_as_string(hide_password=True)
    if query is None:
        raise BadInput(
            f"data.source is the database {shown}, and data.query is not set",
            fix="set data.query to the SELECT statement that gives the table",
        )
    return _table(*_fetch(_engine(url, shown), query, shown), shown)


def _resolved(url: URL, base: Path) -> URL:
    """Let the path of a SQLite file start at the folder of timonel.yaml; it must exist."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return url
    path = base / str(url.database)
    if not path.is_file():  # SQLite would make an empty database
        raise BadInput(f"{path}: no such file")
    return url.set(database=str(path.absolute()))


def _engine(url: URL, shown: str) -> Engine:
    try:
        return create_engine(url)
    except ModuleNotFoundError as error:
        raise BadInput(
            f"{shown}: the driver {error.name} is not installed", fix=f"pip install {error.name}"
        ) from None


def _fetch(engine: Engine, query: str, shown: str) -> tuple[list[str], list[Sequence[Any]]]:
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise Unavailable(
            f"{shown}: cannot connect: {error.orig}",
            fix="check that the database runs and that data.source names it, then run it again",
        ) from None
    try:
        with connection:
            result = connection.execution_options(yield_per=FETCH_ROWS).execute(text(query))
            return list(result.keys()), [row for part in result.partitions() for row in part]
    except SQLAlchemyError as error:
        raise BadInput(
            f"{shown}: data.query fails: {getattr(error, 'orig', None) or error}",
            fix="try the statement in the database's own client",
        ) from None
    finally:
        engine.dispose()


def _table(names: list[str], rows: list[Sequence[Any]], shown: str) -> pa.Table:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(
            f"{shown}: data.query gives the column {', '.join(twice)} more than once",
            fix="rename one of them in the statement: SELECT a.x AS a_x, ...",
        )
    if not rows:
        raise BadInput(f"{shown}: data.query gives no rows")
    columns = zip(*rows, strict=True)
    return pa.table({n: _column(list(c), n, shown) for n, c in zip(names, columns, strict=True)})


def _column(values: list[Any], name: str, shown: str) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        pass
    first = next(v for v in values if v is not None)
    row, odd = next((i, v) for i, v in enumerate(values) if v is not None and not _alike(v, first))
    raise BadInput(
        f"{shown}: column {name}, row {row} is {odd!r} ({type(odd).__name__}), while the rows before"
        f" hold {type(first).__name__}",
        fix="CAST the column to one type in data.query",
    )


def _alike(value: Any, other: Any) -> bool:
    numbers = (int, float)
    return type(value) is type(other) or (isinstance(value, numbers) and isinstance(other, numbers))
