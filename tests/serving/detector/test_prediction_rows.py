"""Rows as the ledger gets them: known types, privacy applied, no odd value costs its neighbours."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from card_events import contract, payment
from timonel.contract import DataContract
from timonel.errors import BadInput
from timonel.frames import to_arrow
from timonel.ledger import Ledger, Place
from timonel_serving.detector.batch import ROLES, Read
from timonel_serving.detector.delivery.ledger import LedgerDestination, Predictions
from timonel_serving.detector.delivery.piece import Piece
from timonel_serving.detector.delivery.row_stream import row_stream
from timonel_serving.detector.privacy import Privacy, check_privacy, hashed

KEY = b"0123456789abcdef"
MICROS = pa.timestamp("us", "UTC")


def read(rows: list[dict[str, Any]], end: int = 10, **roles: Any) -> Read:
    """Rows that were read; every other thing about them is the same for all."""
    n, names = len(rows), dict.fromkeys(name for row in rows for name in row)
    columns = {
        ROLES["prediction_id"]: to_arrow([f"p{end}-{i}" for i in range(n)]),
        ROLES["timestamp"]: pa.array([1_763_721_900_000_000] * n, MICROS),
    }
    columns |= {ROLES[role]: to_arrow(values) for role, values in roles.items()}  # type: ignore[index]
    features = [to_arrow([row.get(name) for row in rows]) for name in names]
    columns[ROLES["features"]] = pa.StructArray.from_arrays(features, list(names))
    ends = np.full(n, end, dtype=np.int64)
    return Read(pa.table(columns), ends, ends)


def stored(
    folder: Path,
    *parts: Read,
    known: DataContract | None = None,
    privacy: Privacy = Privacy(),  # noqa: B008  frozen
    classes: tuple[str, ...] = ("0", "1"),
) -> list[dict[str, Any]]:
    """The ledger's rows once these are in, one commit each."""
    kept = Predictions("fraud", "card", classes, known, privacy)
    destination = LedgerDestination(str(folder / "ledger"), {}, "pod-1", kept)
    destination.mark()
    for part in parts:
        assert destination.pack(Piece((part,), int(part.ends[-1])))()
    found = Ledger(Place.of(folder / "ledger", {})).rows("predictions").to_table()
    return sorted(found.to_pylist(), key=lambda row: str(row["prediction_id"]))


def test_a_row_has_all_that_is_known_of_it(tmp_path: Path) -> None:
    """Every column of the ledger, the features beside them by their own names."""
    roles = {"score": [0.75], "prediction": [1], "version": ["7"], "latency_ms": [12.5]}
    roles |= {"status": [200], "violations": [2]}
    (row,) = stored(tmp_path, read([{"amount": 5, "card": "c1", "ok": True}], **roles))
    assert row["event_time"].timestamp() == 1_763_721_900
    assert row["arrival_time"].timestamp() == pytest.approx(1e-5)
    assert (row["prediction_id"], row["model"], row["version"]) == ("p10-0", "fraud", "7")
    assert (row["score"], row["prediction"], row["status"]) == (0.75, "1", "200")
    assert (row["latency_ms"], row["violations"]) == (12.5, 2)
    assert (row["amount"], row["card"], row["entity"], row["ok"]) == (5.0, "c1", "c1", 1.0)


def test_privacy_drops_hashes_and_keeps(tmp_path: Path) -> None:
    """By column, whose row it is included; text is dropped unless it is asked for."""
    rows = [payment(i) for i in range(3)]
    privacy = Privacy({"card": "hash", "age": "drop"}, ("note",), KEY)
    found = stored(tmp_path, read(rows), known=contract(), privacy=privacy)
    whose = [hmac.digest(KEY, row["card"].encode(), "sha256").hex()[:32] for row in rows]
    assert [row["card"] for row in found] == [row["entity"] for row in found] == whose
    assert [row["amount"] for row in found] == [row["amount"] for row in rows]
    assert {row.get("age") for row in found} == {row.get("note") for row in found} == {None}
    asked = Privacy({"note": "keep"}, ("note",), KEY)
    kept = stored(tmp_path / "asked", read(rows), known=contract(), privacy=asked)
    assert [row["note"] for row in kept] == [row["note"] for row in rows]


def test_a_hash_is_the_same_for_a_number_however_it_is_written() -> None:
    """1, 1.0 and "1" are one entity; what is missing stays missing; the key decides."""
    privacy = Privacy({"id": "hash"}, (), KEY)
    texts = [privacy.apply("id", to_arrow([v])).to_pylist() for v in (1, 1.0, "1")]
    assert texts[0] == texts[1] == texts[2] == [hashed("1", KEY)]
    assert privacy.apply("id", to_arrow([None, "a"])).to_pylist() == [None, hashed("a", KEY)]
    assert privacy.apply("id", pa.nulls(2)).to_pylist() == [None, None]
    assert hashed("1", KEY) != hashed("1", b"another key, as long")
    assert hashed("1", KEY) != hashlib.sha256(b"1").hexdigest()[:32]


def test_an_odd_value_costs_nobody_else(tmp_path: Path) -> None:
    """Text where the contract has a number, a column of no contract, a list: null or left out."""
    rows = [payment(0), payment(1) | {"amount": "much", "colour": "red"}, payment(2)]
    found = stored(
        tmp_path, read(rows), read([payment(3) | {"age": [1]}], end=20), known=contract()
    )
    assert [row["amount"] for row in found] == [
        rows[0]["amount"],
        None,
        rows[2]["amount"],
        payment(3)["amount"],
    ]
    assert found[3]["age"] is None
    assert "colour" not in found[0]


def test_without_a_contract_a_column_keeps_its_first_type(tmp_path: Path) -> None:
    """Also over a restart: what comes otherwise later is read so, or is null."""
    first = read([{"x": 1, "y": "u", "z": None}])
    second = read([{"x": "2", "y": 3, "z": 1.5}, {"x": "two", "y": None}], end=20)
    found = stored(tmp_path, first, second)
    assert [row["x"] for row in found] == [1.0, 2.0, None]
    assert [row["y"] for row in found] == ["u", "3", None]
    assert [row["z"] for row in found] == [None, 1.5, None]
    again = stored(tmp_path, read([{"x": "oops", "y": [1, 2]}], end=30))
    assert (again[3]["x"], again[3]["y"]) == (None, "[1, 2]")


def test_names_that_the_table_cannot_have_are_left_out(tmp_path: Path) -> None:
    """Those of its own columns, those that differ in case only, empty and endless ones."""
    odd = {"x": 1, "X": 2, "label": 3, "Score": 4, "": 5, "n" * 500: 6}
    (row,) = stored(tmp_path, read([odd]))
    assert row["x"] == 1.0
    assert not {"X", "label", "Score", "", "n" * 500} & row.keys()


def test_columns_are_bounded(tmp_path: Path) -> None:
    """A client that sends ever new names does not fill the table with columns."""
    parts = [read([{f"c{end}-{i}": 1 for i in range(400)}], end=end) for end in (10, 20, 30, 40)]
    assert len(stored(tmp_path, *parts)[0]) < 1100


@pytest.mark.parametrize(
    ("score", "prediction", "expected"),
    [
        ([[0.2, 0.7, 0.1]], None, ("dog", 0.7)),
        ([[0.2, 0.7, 0.1]], ["cat"], ("cat", 0.7)),
        ([None], [["a", "b"]], ('["a","b"]', None)),
        ([float("nan")], [1], ("1", None)),
        ([[]], None, (None, None)),
    ],
)
def test_outcomes_of_every_task_fit(
    tmp_path: Path, score: list[Any], prediction: Any, expected: tuple[Any, Any]
) -> None:
    """Of the probabilities of all classes the largest is kept; a list of items is JSON."""
    roles: Mapping[str, Any] = {"score": score} | ({"prediction": prediction} if prediction else {})
    (row,) = stored(tmp_path, read([{"x": 1}], **roles), classes=("cat", "dog", "cow"))
    assert (row["prediction"], row["score"]) == expected


def test_a_mark_is_in_the_ledger_once(tmp_path: Path) -> None:
    """The same attempt again adds nothing; a detector that opens anew knows how far it had come."""
    kept = Predictions("fraud", None, (), None, Privacy())
    one = LedgerDestination(str(tmp_path / "ledger"), {}, "pod-1", kept)
    assert one.mark() == 0
    attempt = one.pack(Piece((read([{"x": 1}]),), 10))
    assert (attempt(), attempt()) == (True, False)
    again = LedgerDestination(str(tmp_path / "ledger"), {}, "pod-1", kept)
    assert again.mark() == 10
    assert LedgerDestination(str(tmp_path / "ledger"), {}, "pod-2", kept).mark() == 0


def test_rows_for_a_monitor_that_learns_have_privacy_applied() -> None:
    """By the names that every monitor knows; columns of several types become text."""
    parts = (
        read([{"amount": 1.5, "card": "c1", "note": "n"}], prediction=[1], status=[200]),
        read([{"amount": "x", "card": "c2", "more": 3}], end=20, prediction=[0.5]),
    )
    privacy = Privacy({"card": "hash"}, ("note",), KEY)
    body = row_stream(Piece(parts, 20), privacy)
    table = pa.ipc.open_stream(body).read_all()
    features = table["features"].to_pylist()
    assert features[0] == {"amount": "1.5", "card": hashed("c1", KEY), "more": None}
    assert features[1] == {"amount": "x", "card": hashed("c2", KEY), "more": 3}
    assert table["prediction"].to_pylist() == [1.0, 0.5]
    assert {"prediction_id", "timestamp", "status"} < set(table.column_names)


@pytest.mark.parametrize(
    ("wanted", "key", "slices", "expected"),
    [
        ({"card": "hash"}, None, (), "TIMONEL_HASH_KEY has no value(.|\n)*openssl rand"),
        ({"card": "hash"}, "short", (), "5 characters, fewer than 16"),
        ({"colour": "drop"}, None, (), "colour, which is no column(.|\n)*amount, card"),
        ({"card": "drop"}, None, ("card",), "card is among evaluation.slices"),
    ],
)
def test_settings_that_cannot_be_kept_to_are_refused(
    wanted: Any, key: str | None, slices: tuple[str, ...], expected: str
) -> None:
    """Before anything is stored, saying what to do; without a reference any column may be named."""
    with pytest.raises(BadInput, match=expected):
        check_privacy(wanted, key, ("card", "amount"), slices)
    if not slices and "hash" not in wanted.values():
        check_privacy(wanted, key, None, slices)
    check_privacy({"card": "hash"}, KEY.decode(), ("card",), ())
