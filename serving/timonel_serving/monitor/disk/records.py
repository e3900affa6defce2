"""What the journal holds: windows of detectors and labels, as they came."""

from dataclasses import dataclass
from typing import Literal

import orjson
import pyarrow as pa

from timonel.errors import BadInput, Corrupt
from timonel.monitor.parcel import Parcel
from timonel.windows.unpacked import unpacked_size
from timonel_serving.problems import TooLarge

Kind = Literal["rows", "labels", "parcel"]


@dataclass(frozen=True)
class Record:
    """One delivery."""

    kind: Kind
    body: bytes
    """A table as an Arrow IPC stream, or a parcel."""
    detector: str = ""
    mark: int = 0
    heard: float = 0.0
    """When it came, seconds since 1970 by the wall clock."""
    spool: str = ""
    """The identity of the detector's spool; empty: it does not say."""

    def pack(self) -> bytes:
        """The record as bytes."""
        head = {
            "kind": self.kind,
            "detector": self.detector,
            "mark": self.mark,
            "heard": self.heard,
            "spool": self.spool,
        }
        return b"\n".join((orjson.dumps(head), self.body))

    @classmethod
    def unpack(cls, payload: bytes) -> "Record":
        """The inverse."""
        head, _, body = payload.partition(b"\n")
        try:
            return cls(body=body, **orjson.loads(head))
        except (orjson.JSONDecodeError, TypeError):
            raise Corrupt("a record of the journal is none that this release writes") from None


def check_unpacked(record: Record, limit: int) -> None:
    """Raises `TooLarge` for a delivery that unpacks to more bytes, and BadInput as `read_delivery`."""
    try:
        rows = record.kind == "rows"
        size = unpacked_size(record.body) if rows else Parcel.unpacked_size(record.body)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _no_stream(error) from None
    except Corrupt as error:
        raise _no_parcel(error) from None
    if size > limit:
        raise TooLarge(
            f"the body unpacks to {size / 2**20:,.0f} MB, at most {limit / 2**20:g} MB are taken",
            fix="send less at once",
        )


def read_delivery(record: Record) -> Parcel | pa.Table:
    """What a detector sent; raises BadInput for what cannot be read."""
    if record.kind == "rows":
        return read_table(record.body)
    try:
        return Parcel.from_bytes(record.body)
    except Corrupt as error:
        raise _no_parcel(error) from None


def table_bytes(table: pa.Table) -> bytes:
    """A table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def read_table(stream: bytes) -> pa.Table:
    """The inverse; raises BadInput for anything else."""
    try:
        table = pa.ipc.open_stream(stream).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _no_stream(error) from None
    return table


def _no_stream(error: Exception) -> BadInput:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BadInput(f"the body is no Arrow stream: {said}")


def _no_parcel(error: Corrupt) -> BadInput:
    return BadInput(f"the body is no parcel: {error.message}", fix=error.fix)
