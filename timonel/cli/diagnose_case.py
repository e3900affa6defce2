"""From a ledger to a case: rows of before and of now, the contract, and the models that served."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from timonel.cli.console import Advance
from timonel.cli.ledger_source import open_ledger
from timonel.cli.watched import read_time
from timonel.config import Config, load_config
from timonel.contract.model import DataContract
from timonel.diagnosis import Case, Diagnosis, Replay
from timonel.diagnosis.record import record
from timonel.durations import parse_duration
from timonel.errors import BadInput, TimonelError
from timonel.ledger import Ledger, Record
from timonel.registries import find_registry
from timonel.replays import find_replay
from timonel.terms import Task

MOST_ROWS = 3_000_000
MARGIN = timedelta(microseconds=1)


@dataclass(frozen=True, eq=False)
class Asked:
    """A case, and what it is called."""

    case: Case
    model: str
    start: datetime
    """Of the time in question."""
    end: datetime
    rows: tuple[int, int]
    """Of reference and current."""
    missing: tuple[str, ...]
    ledger: Ledger
    version: str | None
    """In service at the end."""

    def record(self, found: Diagnosis) -> Record:
        """Write the answer to the ledger's chain, unless the last one said the same."""
        return record(self.ledger, self.model, self.version, self.end, found)


@dataclass(frozen=True, eq=False)
class _Served:
    """What is known of a version: its model and its contract."""

    replay: Replay | None = None
    contract: DataContract | None = None
    problem: str | None = None


def open_case(
    path: Path, address: str | None, times: tuple[str, str | None, str], advance: Advance
) -> Asked:
    """Read the rows, and open the versions that served them."""
    config = load_config(path)
    if config.model.task is Task.RANKING:
        raise BadInput("a ranking has no score a row to divide a loss by")
    ledger = open_ledger(address or config.ledger)
    end = _newest(ledger, config.model.name)
    since, onset, before = times
    start = read_time(onset, "--onset") or end - _span(since, "--since")
    first = start - _span(before, "--reference")
    table = _read(ledger, config.model.name, first, advance)
    late = pc.greater_equal(
        table["event_time"], pa.scalar(start, table.schema.field("event_time").type)
    )
    reference, current = table.filter(pc.invert(late)), table.filter(late)
    now, old = _versions(reference, current)
    served, previous = _open(config, now), _open(config, old if old != now else None)
    problems = {p for p in (served.problem, previous.problem) if p}
    case = Case(
        reference=reference,
        current=current,
        classes=served.contract.classes if served.contract else (0, 1),
        contract=served.contract,
        replay=served.replay,
        previous=previous.replay,
    )
    rows = (reference.num_rows, current.num_rows)
    lacking = tuple(sorted(problems))
    return Asked(case, config.model.name, start, end, rows, lacking, ledger, now)


def _newest(ledger: Ledger, model: str) -> datetime:
    found = ledger.query(
        f"SELECT max(event_time) AS t FROM predictions WHERE model = '{_quoted(model)}'"  # noqa: S608
    )["t"][0].as_py()
    if not isinstance(found, datetime):
        raise BadInput(
            f"the ledger {ledger.place.uri} holds no predictions of {model}",
            fix="check the address, or log some predictions first",
        )
    return found


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _read(ledger: Ledger, model: str, first: datetime, advance: Advance) -> pa.Table:
    batches, rows = [], 0
    for batch in ledger.read_log(first, model=model):
        batches.append(batch)
        rows += batch.num_rows
        advance(batch.num_rows)
        if rows > MOST_ROWS:
            raise BadInput(
                f"there are more than {MOST_ROWS:,} predictions since {first:%Y-%m-%d %H:%M}",
                fix="give a shorter --since and --reference",
            )
    return pa.Table.from_batches(batches)


def _versions(reference: pa.Table, current: pa.Table) -> tuple[str | None, str | None]:
    """The newest version that serves, and the one that most reference rows had."""
    known, now = _usual(reference), _usual(current)
    fresh = set(current["version"].drop_null().unique().to_pylist())
    fresh -= set(reference["version"].drop_null().unique().to_pylist())
    return (max(fresh, key=str) if fresh else now), known


def _usual(table: pa.Table) -> str | None:
    counts = table["version"].drop_null().value_counts().to_pylist()
    return max(counts, key=lambda c: c["counts"])["values"] if counts else None


def _open(config: Config, version: str | None) -> _Served:
    """The version's package, if a registry has it and something can score with it."""
    if version is None:
        return _Served()
    try:
        package = find_registry()(config, version)
        contract = DataContract.load(package.path / "contract.json")
        return _Served(_opened(package.path), contract)
    except TimonelError as error:
        return _Served(problem=f"version {version} is not at hand: {error.message}")


def _opened(path: Path) -> Replay | None:
    found: Callable[[Path], Replay] | None = find_replay()
    return found(path) if found else None


def _span(text: str, option: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadInput(f"{option} is {text!r}: {error}", fix="use such as 14d") from None
