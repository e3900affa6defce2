"""The chain of decisions: each holds the SHA-256 of the one before, so that none changes unseen.

A record's hash covers the canonical JSON (sorted keys, no spaces, UTF-8) of everything else it holds;
its details are hashed as the text that is stored. Somebody who can rewrite the whole table can rewrite
all hashes too: what cannot be forged is a hash that was written down elsewhere, see `check(head=)`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from timonel.errors import BadInput

START = "0" * 64
"""What the first record holds in place of a former one's hash."""


class Decision(BaseModel):
    """Something that was decided or done, and what for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: datetime
    """When, in event time; naive is UTC."""
    kind: str = Field(min_length=1)
    """Such as drift, diagnosis, training, gates, canary, promotion, rollback, erasure."""
    model: str | None = None
    version: str | None = None
    summary: str
    """One sentence."""
    details: dict[str, JsonValue] = {}
    """The numbers and reasons behind it. No personal data: a decision is kept for ever."""


@dataclass(frozen=True)
class Record:
    """A decision in its place in the chain."""

    seq: int
    """1 for the first."""
    time: str
    """ISO 8601 in UTC, to the microsecond."""
    kind: str
    model: str | None
    version: str | None
    summary: str
    details: str
    """Canonical JSON."""
    previous: str
    hash: str = ""


@dataclass(frozen=True)
class Breach:
    """A place at which the chain does not hold."""

    seq: int
    what: str


@dataclass(frozen=True)
class Verdict:
    """What became of the chain."""

    records: int
    head: str
    """The hash of the last record; of an empty chain 64 zeros. Keep it elsewhere."""
    breaches: tuple[Breach, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, removed or reordered."""
        return not self.breaches


def canonical(value: Mapping[str, Any]) -> str:
    """The one JSON text of a value; raises `BadInput` for a number that JSON has not."""
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except ValueError as error:
        raise BadInput(
            f"a decision holds a number that JSON has not: {error}",
            fix="leave out what is unknown, or give it as null",
        ) from None


def iso(time: datetime) -> str:
    """A time as records hold it."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def linked(decision: Decision, seq: int, previous: str) -> Record:
    """The record of a decision that comes after the record with this hash."""
    bare = Record(
        seq,
        iso(decision.time),
        decision.kind,
        decision.model,
        decision.version,
        decision.summary,
        canonical(decision.details),
        previous,
    )
    return Record(**(asdict(bare) | {"hash": digest(bare)}))


def digest(record: Record) -> str:
    """The SHA-256 of all that a record holds but its hash."""
    held = {name: value for name, value in asdict(record).items() if name != "hash"}
    return hashlib.sha256(canonical(held).encode("utf-8", "surrogatepass")).hexdigest()


def check(records: Iterable[Record], written: int, head: str | None = None) -> Verdict:
    """Walk the chain and name every place where it does not hold.

    Args:
        records: all of them, in any order.
        written: the number of the last record that was ever written: tells if the last ones are gone.
        head: a hash that was written down before: the record that had it must still be there.
    """
    ordered = sorted(records, key=lambda record: record.seq)
    breaches = [*_walk(ordered)]
    last = ordered[-1] if ordered else None
    end = last.seq if last else 0
    if end < written:
        breaches.append(Breach(end + 1, f"{_span(end + 1, written)} removed at the end"))
    if head is not None and head != START and head not in {record.hash for record in ordered}:
        breaches.append(
            Breach(end, f"no record has the hash {head[:12]}... that was written down: rewritten")
        )
    return Verdict(len(ordered), last.hash if last else START, tuple(breaches))


def _walk(ordered: list[Record]) -> Iterator[Breach]:
    expected, previous = 1, START
    for record in ordered:
        if record.seq < expected:
            yield Breach(record.seq, f"record {record.seq} was put in: its place is taken")
            continue
        if record.seq > expected:
            yield Breach(expected, f"{_span(expected, record.seq - 1)} removed")
        elif record.previous != previous:
            yield Breach(
                record.seq, f"record {record.seq} does not follow the one before it: reordered"
            )
        if digest(record) != record.hash:
            yield Breach(record.seq, f"record {record.seq} was changed after it was written")
        expected, previous = record.seq + 1, record.hash


def _span(first: int, last: int) -> str:
    return f"record {first} was" if first == last else f"records {first} to {last} were"
