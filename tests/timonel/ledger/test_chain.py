"""The chain of decisions shows every tampering."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from ledgers import decision, ledger_at
from timonel.errors import BadInput
from timonel.ledger import Decision, Ledger
from timonel.ledger.chain import START, canonical, digest


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger of five decisions."""
    made = ledger_at(tmp_path / "ledger")
    for number in range(5):
        made.decide(decision(number))
    return made


def stored(ledger: Ledger) -> DeltaTable:
    return DeltaTable(f"{ledger.place.uri}/decisions")


def swap(table: DeltaTable) -> None:
    """Let records 2 and 3 change places."""
    table.update(updates={"seq": "CASE WHEN seq = 2 THEN 3 ELSE 2 END"}, predicate="seq IN (2, 3)")


def insert(table: DeltaTable) -> None:
    """Put a copy of record 4 beside it."""
    rows = table.to_pyarrow_table()
    write_deltalake(table, rows.filter(rows["seq"].to_numpy() == 4), mode="append")


TAMPERINGS: dict[str, tuple[Callable[[DeltaTable], object], list[str]]] = {
    "a word": (
        lambda t: t.update(updates={"summary": "'all is well'"}, predicate="seq = 3"),
        ["record 3 was changed after it was written"],
    ),
    "a number in the details": (
        lambda t: t.update(
            updates={"details": "replace(details, '0.4', '0.1')"}, predicate="seq = 5"
        ),
        ["record 5 was changed after it was written"],
    ),
    "a time": (
        lambda t: t.update(updates={"time": "time + interval '1 hour'"}, predicate="seq = 1"),
        ["record 1 was changed after it was written"],
    ),
    "emptied": (
        lambda t: t.update(
            updates={"time": "NULL", "kind": "NULL", "hash": "NULL"}, predicate="seq = 5"
        ),
        ["record 5 was changed after it was written"],
    ),
    "the first removed": (lambda t: t.delete("seq = 1"), ["record 1 was removed"]),
    "two removed": (lambda t: t.delete("seq IN (2, 3)"), ["records 2 to 3 were removed"]),
    "the last removed": (lambda t: t.delete("seq = 5"), ["record 5 was removed at the end"]),
    "all removed": (lambda t: t.delete(), ["records 1 to 5 were removed at the end"]),
    "reordered": (
        swap,
        [
            "record 2 does not follow the one before it: reordered",
            "record 2 was changed after it was written",
            "record 3 does not follow the one before it: reordered",
            "record 3 was changed after it was written",
            "record 4 does not follow the one before it: reordered",
        ],
    ),
    "put in": (insert, ["record 4 was put in: its place is taken"]),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_a_tampering_is_found_and_named(how: str, ledger: Ledger) -> None:
    """Nothing but what was done is named, by the record's number."""
    assert ledger.verify().whole
    tamper, expected = TAMPERINGS[how]
    tamper(stored(ledger))
    assert [breach.what for breach in ledger.verify().breaches] == expected


def test_a_chain_that_was_rewritten_lacks_the_hash_written_down(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Whoever rewrites all hashes is found by one that was kept elsewhere."""
    head = ledger.verify().head
    ledger.decide(decision(6))
    assert ledger.verify(head).whole
    forged = ledger_at(tmp_path / "forged")
    for number in range(6):
        forged.decide(decision(number, kind="nothing"))
    assert forged.verify().whole
    (breach,) = forged.verify(head).breaches
    assert "no record has the hash" in breach.what


def test_each_record_holds_the_hash_of_the_former(ledger: Ledger) -> None:
    """Anybody can check the chain with SHA-256 and a JSON library alone."""
    records = ledger.decisions()
    assert [r.seq for r in records] == [1, 2, 3, 4, 5]
    assert [r.previous for r in records] == [START, *(r.hash for r in records[:-1])]
    assert all(r.hash == digest(r) for r in records)
    assert records[0].time == "2026-03-01T00:00:00.000000Z"
    assert records[0].details == '{"effect":0.4,"number":0}'


@pytest.mark.parametrize("removed", ["seq = 5", "seq >= 4", "seq >= 1"])
def test_the_last_records_cannot_be_replaced_by_going_on(removed: str, ledger: Ledger) -> None:
    """What is decided after a removal leaves the gap where it is."""
    stored(ledger).delete(removed)
    assert ledger.decide(decision(9)).seq == 6
    (breach,) = ledger.verify().breaches
    assert breach.what.endswith("removed")


def test_a_decision_reads_one_file_of_many(ledger: Ledger) -> None:
    """The last record is found by the log's statistics, however many came before."""
    for path in sorted(Path(ledger.place.uri).rglob("decisions/partition_date=*/*.parquet")):
        if str(path) != newest_file(ledger):
            path.unlink()
    assert ledger.decide(decision(6)).seq == 6


def newest_file(ledger: Ledger) -> str:
    actions = pa.table(stored(ledger).get_add_actions(flatten=True)).to_pylist()
    newest = max(actions, key=lambda action: action["max.seq"])
    return f"{ledger.place.uri}/decisions/{newest['path']}"


def test_decisions_at_once_form_one_chain(tmp_path: Path) -> None:
    """Whoever comes second is linked to the first; none is lost."""
    ledger = ledger_at(tmp_path / "ledger")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: ledger.decide(decision(n)), range(20)))
    assert ledger.verify().whole
    assert sorted(r.summary for r in ledger.decisions()) == sorted(
        decision(n).summary for n in range(20)
    )


def test_compaction_leaves_the_chain_whole(ledger: Ledger) -> None:
    """Files are joined, and records at the end are still missed when they go."""
    ledger.compact()
    assert ledger.verify().whole
    stored(ledger).delete("seq = 5")
    assert not ledger.verify().whole


def test_a_number_that_json_has_not_is_refused(ledger: Ledger) -> None:
    """NaN has no canonical text."""
    with pytest.raises(BadInput, match="number that JSON has not"):
        ledger.decide(decision(1).model_copy(update={"details": {"value": float("nan")}}))
    assert ledger.verify().records == 5


def test_text_of_any_script_is_hashed(tmp_path: Path) -> None:
    """Accents, emoji and line breaks survive storage, hence the hash."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.decide(
        Decision(
            time=decision(0).time, kind="note", summary="señal ⚓\n“x”", details={"ñ": [None, 1]}
        )
    )
    assert ledger.verify().whole


def test_canonical_json_is_one_text_for_one_value() -> None:
    """The order in which keys were given does not matter."""
    assert canonical({"b": 1, "a": {"d": None, "c": "ñ"}}) == '{"a":{"c":"ñ","d":null},"b":1}'
    assert canonical({"b": 1, "a": 2}) == canonical({"a": 2, "b": 1})
