"""SQL over a ledger: the four tables as views, nothing else in reach, nothing written."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from timonel.errors import BadInput
from timonel.ledger.place import STREAM, Place, explained
from timonel.ledger.schema import TableName
from timonel.ledger.tables import rows_of

ALLOWED = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


def run_query(place: Place, sql: str, limit: int | None = None) -> pa.Table:
    """The rows that one SELECT gives, at most `limit` of them.

    Raises `BadInput` for anything but a SELECT, and for one that DuckDB refuses. Files, settings and
    other databases are out of its reach.
    """
    with explained(place, "the query"), _connection(place) as connection:
        try:
            _only_reads(connection, sql)
            reader = connection.sql(sql).to_arrow_reader()
            return _first(reader, limit)
        except duckdb.OutOfMemoryException:
            raise BadInput(
                "the query needs more memory than there is",
                fix="narrow it: by partition_date, or by fewer columns",
            ) from None
        except (duckdb.ProgrammingError, duckdb.DataError, duckdb.PermissionException) as error:
            if STREAM in str(error):
                raise
            raise BadInput(
                f"the query fails: {error}", fix="DESCRIBE predictions shows the columns of a table"
            ) from None


@contextmanager
def _connection(place: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    try:
        connection.execute("SET TimeZone = 'UTC'")
        for name in TableName:
            connection.register(name.value, rows_of(place, name))
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def _only_reads(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in ALLOWED:
        kinds = ", ".join(s.type.name for s in statements) or "nothing"
        raise BadInput(
            f"the query is {kinds}, expected one SELECT", fix="a ledger is read only by SQL"
        )


def _first(reader: pa.RecordBatchReader, limit: int | None) -> pa.Table:
    taken: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        taken.append(batch)
        rows += batch.num_rows
        if limit is not None and rows >= limit:
            break
    table = pa.Table.from_batches(taken, schema=reader.schema)
    return table if limit is None else table.slice(0, limit)
