"""What must go is gone: from the rows, from former versions, from every file."""

import hashlib
import os
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyarrow import parquet

from ledgers import START, ledger_at, rows
from timonel.ledger import Ledger, erasure

PERSON = "Ana Pérez"
NOW = START + timedelta(days=9)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Three days of several commits: rows of PERSON, of others, of nobody; labels of half of them."""
    made = ledger_at(tmp_path / "ledger")
    made.append("predictions", rows(0, 30, days=3))
    made.append("predictions", rows(100, 6, days=3, entity=PERSON))
    made.append("predictions", rows(200, 3) | {"entity": [None] * 3})
    ids = [f"p{i}" for i in [*range(15), 100, 101, 102]]
    when = [START + timedelta(days=5)] * len(ids)
    made.append("labels", {"prediction_id": ids, "label": [1] * len(ids), "event_time": when})
    made.append("labels", {"prediction_id": ["p100"], "label": [0], "event_time": [START]})
    return made


def files_with(folder: Path, text: str) -> list[Path]:
    """The files whose bytes or rows hold a text."""
    found = []
    for path in filter(Path.is_file, folder.rglob("*")):
        held = path.read_bytes()
        if path.suffix == ".parquet":
            held += repr(parquet.read_table(path, partitioning=None).to_pylist()).encode()
        if text.encode() in held:
            found.append(path)
    return found


def test_an_entity_is_gone_from_every_file(ledger: Ledger, tmp_path: Path) -> None:
    """Neither rows, statistics, the log nor the record of the erasure name it; compaction before or not."""
    ledger.compact()  # leaves the files from before it behind, for those who read them
    assert len(files_with(tmp_path, PERSON)) >= 6
    removal = ledger.erase(PERSON, NOW, "receipt")
    assert removal.rows == {"predictions": 6, "labels": 4}
    assert removal.pending == 0
    assert files_with(tmp_path, PERSON) == []
    assert files_with(tmp_path / "ledger/labels", '"p100"') == []
    assert files_with(tmp_path / "ledger/labels", "'p100'") == []


def test_all_other_rows_stay(ledger: Ledger) -> None:
    """Those of other entities, and those of none."""
    before = ledger.query(
        f"SELECT * FROM predictions WHERE entity IS DISTINCT FROM '{PERSON}' ORDER BY prediction_id"
    )
    ledger.erase(PERSON, NOW, "receipt")
    assert ledger.query("SELECT * FROM predictions ORDER BY prediction_id") == before
    assert before.num_rows == 33
    assert ledger.rows("labels").count_rows() == 15


def test_former_versions_cannot_be_read(ledger: Ledger) -> None:
    """Travelling back in time does not bring it back."""
    ledger.erase(PERSON, NOW, "receipt")
    with pytest.raises((DeltaError, OSError)):
        DeltaTable(f"{ledger.place.uri}/predictions", version=2).to_pyarrow_table()


def test_the_record_proves_whom_it_speaks_of_to_the_holder_of_the_receipt(ledger: Ledger) -> None:
    """It does not name the entity, yet can be matched with name and receipt."""
    ledger.erase(PERSON, NOW, "c0ffee")
    (record,) = ledger.decisions()
    assert (record.kind, record.time[:10]) == ("erasure", "2026-03-10")
    assert hashlib.sha256(f"c0ffee:{PERSON}".encode()).hexdigest() in record.details
    assert '"labels":4' in record.details
    assert PERSON not in repr(record)
    assert ledger.verify().whole


@pytest.mark.parametrize("entity", ["nobody", "x' OR '1'='1", "", "%"])
def test_an_unknown_entity_removes_nothing(entity: str, ledger: Ledger) -> None:
    """A name is a name, whatever it looks like; that it was asked for is recorded."""
    assert ledger.erase(entity, NOW, "r").rows == {"predictions": 0, "labels": 0}
    assert ledger.rows("predictions").count_rows() == 39
    assert len(ledger.decisions()) == 1


def test_an_empty_ledger_has_nothing_to_erase(tmp_path: Path) -> None:
    """No table is no error."""
    assert ledger_at(tmp_path / "none").erase(PERSON, NOW, "r").rows["predictions"] == 0


def test_rows_that_come_meanwhile_are_not_lost(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit between reading a day and writing it anew makes the erasure start that day again."""
    write, late = erasure.write_deltalake, []

    def interrupted(*arguments: object, **options: object) -> None:
        if not late:
            late.append(ledger.append("predictions", rows(500, 5)))
        write(*arguments, **options)

    monkeypatch.setattr(erasure, "write_deltalake", interrupted)
    ledger.erase(PERSON, NOW, "r")
    found = ledger.query("SELECT prediction_id FROM predictions")["prediction_id"].to_pylist()
    assert late == [5]
    assert {f"p{i}" for i in range(500, 505)} <= set(found)
    assert len(found) == 38


def test_files_of_writes_that_never_ended_are_deleted_or_told(ledger: Ledger) -> None:
    """What a crash left is deleted once it is old; while it may be a write under way it is counted."""
    home = Path(ledger.place.uri) / "predictions"
    source = next(home.rglob("*.parquet"))
    old, young = source.with_name("old.parquet"), source.with_name("young.parquet")
    for path in (old, young):
        path.write_bytes(source.read_bytes())
    os.utime(old, (time.time() - 7200,) * 2)
    assert ledger.erase(PERSON, NOW, "r").pending == 1
    assert not old.exists()
    assert young.exists()


def test_retention_removes_whole_days(ledger: Ledger, tmp_path: Path) -> None:
    """Rows of the days before go from all files, later ones and decisions stay; it is recorded."""
    removal = ledger.drop_before(date(2026, 3, 3), NOW)
    assert removal.rows == {"predictions": 27, "labels": 1, "windows": 0}
    (left,) = ledger.query("SELECT min(event_time) first, count(*) n FROM predictions").to_pylist()
    assert left == {"first": START + timedelta(days=2), "n": 12}
    assert list(tmp_path.rglob("partition_date=2026-03-01/*.parquet")) == []
    assert ledger.drop_before(date(2026, 3, 3), NOW).rows["predictions"] == 0
    assert [record.kind for record in ledger.decisions()] == ["retention"]  # once
