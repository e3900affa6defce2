"""A ledger on a real object store, on a full disk, on storage that is down, denied or damaged."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pyarrow import parquet

from ledgers import START, decision, ledger_at, rows, write_at_once
from object_store import BUCKET, ObjectStore, free_ports, object_store
from small_disks import needs_small_disk, on_small_disk
from timonel.errors import BadInput, Corrupt, Unavailable
from timonel.ledger import Ledger, Place


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """One object store for the module."""
    with object_store(tmp_path_factory.mktemp("weed")) as running:
        yield running


def environment(store: ObjectStore) -> dict[str, str]:
    """As a user sets it: that the endpoint is plain HTTP is read from its address."""
    return {k: v for k, v in store.environment.items() if k != "AWS_ALLOW_HTTP"}


def test_two_writers_on_an_object_store_lose_nothing(store: ObjectStore) -> None:
    """Rows, new columns and the chain of decisions of two processes are all there."""
    uri = f"s3://{BUCKET}/two/ledger"
    assert write_at_once(uri, environment(store), writers=2, commits=3) == [30, 30]
    ledger = ledger_at(uri, environment(store))
    counted = ledger.query("SELECT count(DISTINCT prediction_id) n FROM predictions")
    assert counted.to_pylist() == [{"n": 60}]
    assert ledger.verify().whole
    assert ledger.verify().records == 6


def test_an_object_store_holds_all_that_a_directory_does(store: ObjectStore) -> None:
    """Appended, compacted, replayed, erased from every object."""
    ledger = ledger_at(f"s3a://{BUCKET}/one/ledger/", environment(store))
    for k in range(3):
        ledger.append("predictions", rows(10 * k, 10, days=2))
    ledger.append("predictions", rows(100, 4, days=2, entity="Ana"))
    assert ledger.compact()[0].after == 2
    removal = ledger.erase("Ana", START, "receipt")
    assert (removal.rows["predictions"], removal.pending) == (4, 0)
    assert sum(batch.num_rows for batch in ledger.read_log()) == 30
    assert objects_with(store, "one/ledger", "Ana") == []
    assert ledger.verify().whole


def objects_with(store: ObjectStore, prefix: str, text: str) -> list[str]:
    """The objects whose bytes or rows hold a text."""
    from pyarrow import fs

    files, found = store.files(), []
    for info in files.get_file_info(fs.FileSelector(f"{BUCKET}/{prefix}", recursive=True)):
        if info.is_file:
            with files.open_input_file(info.path) as stream:
                held = stream.read()
                if info.path.endswith(".parquet") and "_delta_log" not in info.path:
                    held += repr(parquet.read_table(stream).to_pylist()).encode()
            if text.encode() in held:
                found.append(info.path)
    return found


def test_an_object_store_that_is_down_is_unavailable() -> None:
    """Every way to use the ledger says where it looked, and how to go on; no key is told."""
    (port,) = free_ports(1)
    down = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "hidden",
    }
    ledger = ledger_at("s3://bucket/ledger", down)
    uses = (
        lambda: ledger.append("predictions", rows(0, 1)),
        lambda: ledger.decide(decision(0)),
        lambda: ledger.query("SELECT 1"),
        lambda: list(ledger.read_log()),
        ledger.verify,
        ledger.compact,
        lambda: ledger.erase("x", START, "r"),
    )
    for use in uses:
        with pytest.raises(Unavailable, match=r"s3://bucket/ledger: .* failed: ") as caught:
            use()
        assert "AWS_ENDPOINT_URL" in str(caught.value)
        assert "hidden" not in str(caught.value)
    assert "hidden" not in repr(ledger)


def test_a_wrong_key_is_bad_input(store: ObjectStore) -> None:
    """A retry does not help, the credentials have to be mended."""
    wrong = environment(store) | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    with pytest.raises(BadInput, match="access denied"):
        ledger_at(f"s3://{BUCKET}/denied", wrong).append("predictions", rows(0, 1))


@pytest.mark.parametrize("uri", ["gs://bucket/ledger", "http://host/ledger"])
def test_a_scheme_that_holds_no_ledger_is_named(uri: str) -> None:
    """The error says what may be given."""
    with pytest.raises(BadInput, match="give a directory or an s3://"):
        Place.of(uri, {})


# deltalake's threads may still hold the failed write and abort while Python shuts down: the process is
# left at once, when all it had to say is said
FILL_THE_DISK = """
import os, sys
import numpy as np
from ledgers import decision, ledger_at, rows
from timonel.errors import Unavailable

ledger = ledger_at(sys.argv[1] + "/ledger")
ledger.append("predictions", rows(0, 100))
large = rows(0, 200_000) | {"noise": np.random.default_rng(0).normal(size=200_000)}
for _ in range(2):
    try:
        ledger.append("predictions", large)
    except Unavailable as error:
        print("full:", error.message)
print(ledger.rows("predictions").count_rows(), "noise" in ledger.rows("predictions").schema.names)
print(ledger.append("predictions", rows(100, 50)), ledger.decide(decision(0)).seq)
print(ledger.rows("predictions").count_rows())
sys.stdout.flush()
os._exit(0)
"""


@needs_small_disk
def test_a_full_disk_takes_nothing_by_halves(tmp_path: Path) -> None:
    """What does not fit is not there in part, twice; what fits is taken afterwards."""
    done = on_small_disk(tmp_path, "1m", FILL_THE_DISK)
    disk = tmp_path / "disk"
    assert done.returncode == 0, done.stderr
    full = (
        f"full: the disk that holds the ledger {disk}/ledger is full:"
        " appending to predictions failed, nothing was added"
    )
    assert done.stdout.splitlines() == [full, full, "100 False", "50 1", "150"]


@pytest.fixture
def stored(tmp_path: Path) -> Ledger:
    """A ledger of two commits."""
    made = ledger_at(tmp_path / "ledger")
    made.append("predictions", rows(0, 10))
    made.append("predictions", rows(10, 10))
    return made


def damage(ledger: Ledger, how: str) -> None:
    home = Path(ledger.place.uri) / "predictions"
    data, log = next(home.rglob("part-*.parquet")), sorted(home.glob("_delta_log/*.json"))
    if how == "a data file is missing":
        data.unlink()
    elif how == "a data file is cut":
        data.write_bytes(data.read_bytes()[:100])
    elif how == "a data file is other bytes":
        data.write_bytes(b"x" * data.stat().st_size)
    elif how == "the log is garbage":
        log[-1].write_text("garbage\n")
    else:
        log[0].unlink()


@pytest.mark.parametrize(
    "how",
    [
        "a data file is missing",
        "a data file is cut",
        "a data file is other bytes",
        "the log is garbage",
        "the log has a gap",
    ],
)
def test_damage_is_said_and_never_read_over(how: str, stored: Ledger) -> None:
    """Neither a replay nor a query gives the rows that are left as if they were all."""
    damage(stored, how)
    with pytest.raises(Corrupt, match="reading the log failed"):
        list(stored.read_log())
    with pytest.raises(Corrupt, match="the query failed"):
        stored.query("SELECT count(amount) FROM predictions")


def test_a_commit_cut_short_by_a_crash_is_as_if_it_had_not_been(stored: Ledger) -> None:
    """Files without a commit are not read; the next append goes on."""
    home = Path(stored.place.uri) / "predictions"
    source = next(home.rglob("part-*.parquet"))
    source.with_name("part-9.parquet").write_bytes(source.read_bytes()[:50])
    (home / "_delta_log/_commit_left.json.tmp").write_text("{")
    assert stored.append("predictions", rows(20, 5)) == 5
    assert sum(batch.num_rows for batch in stored.read_log(end=START + timedelta(days=1))) == 25


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_of_somebody_else_is_bad_input(tmp_path: Path) -> None:
    """The error says that permission is missing."""
    tmp_path.chmod(0o500)
    with pytest.raises(BadInput, match="permission denied"):
        ledger_at(tmp_path / "ledger").append("predictions", rows(0, 1))
