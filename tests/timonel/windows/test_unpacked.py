"""What a stream unpacks to is told before it is unpacked."""

import numpy as np
import pyarrow as pa
import pytest

from timonel.errors import Corrupt
from timonel.windows import envelope
from timonel.windows.unpacked import unpacked_size

MB = 2**20


def stream(table: pa.Table, compression: str | None = "zstd") -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("compression", ["zstd", "lz4", None])
def test_the_size_is_that_of_the_arrays(compression: str | None) -> None:
    """Whatever the codec, with dictionaries, lists and text; a value counts eight bytes at least."""
    table = pa.table(
        {
            "number": np.arange(100_000),
            "text": [f"a longer text, number {i}" for i in range(100_000)],
            "name": pa.array(["x", "y"] * 50_000).dictionary_encode(),
            "list": [[1.0, 2.0]] * 100_000,
        }
    )
    size = unpacked_size(stream(table, compression))
    assert table.nbytes <= size < 1.5 * table.nbytes


def test_a_small_stream_of_much_is_told_unopened() -> None:
    """Zeros compressed ten thousandfold, and values that take no bytes at all."""
    zeros = stream(pa.table({"a": np.zeros(8 * MB)}))
    assert len(zeros) < 10_000
    assert unpacked_size(zeros) == 64 * MB
    nothing = stream(pa.table({"a": pa.nulls(2**24)}))
    assert len(nothing) < 1000
    assert unpacked_size(nothing) == 8 * 2**24


def test_what_is_damaged_is_an_error_or_a_number() -> None:
    """Any byte changed: nothing else is raised, and nothing crashes."""
    whole = stream(pa.table({"a": np.arange(50), "b": ["x"] * 50}))
    refused = 0
    for at in range(len(whole)):
        for value in (0, 255, whole[at] ^ 1):
            try:
                unpacked_size(whole[:at] + bytes([value]) + whole[at + 1 :])
            except (ValueError, pa.ArrowException, OSError):
                refused += 1
    assert refused > 100


def test_a_bundle_counts_all_its_parts() -> None:
    """Each part's table, not the bytes that it is packed in; one packed as a whole is refused."""
    table = pa.table({"a": np.zeros(MB)})
    data = envelope.bundle("thing", 1, {}, {"one": envelope.seal("part", 1, {}, table)})
    assert len(data) < 10_000
    assert 8 * MB < envelope.bundle_size("thing", data) < 9 * MB
    outer = pa.ipc.open_stream(memoryview(data)[32:]).read_all()
    sealed = pa.concat_tables([outer] * 100).combine_chunks()
    with pytest.raises(Corrupt, match="compressed as a whole"):
        envelope.bundle_size("thing", data[:32] + stream(sealed))
    with pytest.raises(Corrupt, match="cannot be read"):
        envelope.bundle_size("thing", b"x" * 100)


def test_columns_of_other_types_are_refused() -> None:
    """One payload named by many rows of a dictionary would be opened once for each."""
    sealed = envelope.seal("part", 1, {}, pa.table({"a": [1]}))
    many = pa.Table.from_batches([sealed] * 3)
    coded = many.set_column(2, "payload", many["payload"].dictionary_encode())
    with pytest.raises(Corrupt, match="expected"):
        envelope.unseal("part", 1, coded)
