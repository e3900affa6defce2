"""Rows on their way to ledger and monitor, all of them real processes: each arrives once, whatever dies."""

import random
import shutil
import signal
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from card_events import paid, payment, reference, saved_reference
from detectors import Detecting, arrived, detecting
from inference_events import Posted, structured
from small_disks import needs_small_disk
from timonel.ledger import Ledger, Place
from timonel.monitor.config import MonitorConfig
from timonel.monitor.monitor import ModelMonitor
from timonel.monitor.parcel import Parcel
from timonel.terms import Task
from timonel.windows.envelope import unbundle
from timonel_serving.detector.batch import ROLES, Read
from timonel_serving.detector.delivery.monitor import PARCEL, MonitorDestination, Sender
from timonel_serving.detector.delivery.piece import Piece
from timonel_serving.detector.privacy import Privacy
from watching import Watching, wait, watching

BATCH = {"content-type": "application/cloudevents-batch+json"}
QUICK = "name: pod-1, commit_every: 1s, hand_over_every: 1s"
COUNT = 800


def post(detector: Detecting, events: Sequence[Posted], size: int = 40) -> None:
    for i in range(0, len(events), size):
        body = orjson.dumps([structured(one) for one in events[i : i + size]])
        assert detector.post(BATCH, body)[0] == 200


def ledger_rows(folder: Path) -> list[dict[str, Any]]:
    """The predictions in the ledger beside a detector, in order, without when they came."""
    ledger = Ledger(Place.of(folder / ".timonel" / "ledger", {}))
    table = ledger.rows("predictions").to_table().drop_columns(["arrival_time"])
    return sorted(table.to_pylist(), key=lambda row: str(row["prediction_id"]))


def figures(monitor: Watching) -> list[Any]:
    """What the monitor says of windows of three lengths, and by version."""
    asked = (
        {"window": "1h"},
        {"window": "1d"},
        {"window": "30d"},
        {"window": "1d", "version": "7"},
    )
    return [monitor.get("metrics", **one) for one in asked]


@pytest.fixture(scope="module")
def events() -> list[Posted]:
    """Halves of inferences, those of neighbours mixed, one in ten twice."""
    rng = random.Random(5)
    sent = [(i + 20 * rng.random(), half) for i in range(COUNT) for half in paid(i)]
    sent += [(at + 20 * rng.random(), half) for at, half in sent if rng.random() < 0.1]
    return [half for _, half in sorted(sent, key=lambda one: one[0])]


def test_killed_ledger_and_windows_are_those_of_an_undisturbed_run(
    events: list[Posted], tmp_path: Path
) -> None:
    """SIGKILL amid the delivery: the same rows in the ledger, the same figures in the monitor."""
    known = str(saved_reference(tmp_path))
    found = []
    for name, cuts in (("calm", [0, None]), ("killed", [0, 750, None])):
        with watching(tmp_path / f"{name}-watch", "--reference", known) as monitor:
            settings = f"{QUICK}, monitor_url: '{monitor.facts['url']}'"
            for start, stop in pairwise(cuts):
                with detecting(
                    tmp_path / name, "--reference", known, settings=settings
                ) as detector:
                    post(detector, events[start:stop])
                    some = COUNT if stop is None else stop // 5
                    counts = detector.delivered(some, "ledger", "monitor")
                    detector.process.send_signal(signal.SIGKILL)
                    detector.process.wait(10)
            found.append((ledger_rows(tmp_path / name), figures(monitor)))
    (calm_rows, calm_figures), (killed_rows, killed_figures) = found
    assert len(calm_rows) == COUNT
    assert killed_rows == calm_rows
    assert calm_figures[1]["n"] == COUNT
    assert killed_figures == calm_figures
    assert counts['delivered_rows_total{destination="ledger",outcome="refused"}'] == 0


def test_a_monitor_that_is_away_gets_all_when_it_is_back(
    events: list[Posted], tmp_path: Path
) -> None:
    """The detector answers, the ledger goes on; nothing is lost of what came meanwhile."""
    known = str(saved_reference(tmp_path))
    with watching(tmp_path / "watch", "--reference", known) as monitor:
        url = monitor.facts["url"]
    port = url.rpartition(":")[2]
    settings = f"{QUICK}, monitor_url: '{url}'"
    with detecting(tmp_path / "one", "--reference", known, settings=settings) as detector:
        post(detector, events)
        counts = detector.delivered(COUNT, "ledger")
        assert arrived(counts, "monitor") == 0
        assert counts['outbox_rows{destination="monitor"}'] == COUNT
        assert counts['delivery_stalled_seconds_total{destination="monitor"}'] > 0
        with watching(tmp_path / "watch", "--reference", known, "--port", port) as monitor:
            counts = detector.delivered(COUNT, "monitor")
            assert figures(monitor)[1]["n"] == COUNT
            assert monitor.get("detectors/pod-1")["mark"] > 10**18
        assert counts['delivery_retries_total{destination="monitor"}'] > 0


@needs_small_disk
def test_a_full_disk_of_the_ledger_holds_rows_until_there_is_room(tmp_path: Path) -> None:
    """The log says that it is full; once something is deleted all rows are written, once."""
    disk = tmp_path / "one" / ".timonel" / "ledger"
    disk.mkdir(parents=True)
    mount = f'mount -t tmpfs -o size=2m tmpfs {disk} && exec "$@"'
    before = ("unshare", "-Urm", "sh", "-c", mount, "sh")
    with detecting(tmp_path / "one", settings=QUICK, before=before) as detector:
        inside = Path(f"/proc/{detector.process.pid}/root")
        post(detector, [half for i in range(100) for half in paid(i)])
        detector.delivered(100, "ledger")
        filler = inside / disk.relative_to("/") / "filler"
        with (
            pytest.raises(OSError, match="No space left"),
            filler.open("wb", buffering=0) as stream,
        ):
            while True:
                stream.write(bytes(4096))
        post(detector, [half for i in range(100, 200) for half in paid(i)])
        wait(lambda: detector.counts()['delivery_retries_total{destination="ledger"}'] >= 1)
        assert "is full" in (tmp_path / "one" / "stderr").read_text()
        filler.unlink()
        detector.delivered(200, "ledger")
        shutil.copytree(filler.parent, tmp_path / "copy")
        ledger = Ledger(Place.of(tmp_path / "copy", {}))
        ids = ledger.rows("predictions").to_table()["prediction_id"].to_pylist()
        assert sorted(ids) == sorted(f"id-{i}" for i in range(200))


def test_two_detectors_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """The second one's rows are held, not taken for known; with a name of its own all of them arrive."""
    known = ("--reference", str(saved_reference(tmp_path)))
    with watching(tmp_path / "watch", *known) as monitor:
        settings = f"{QUICK}, ledger: false, monitor_url: '{monitor.facts['url']}'"
        with detecting(tmp_path / "one", *known, settings=settings) as one:
            post(one, [half for i in range(100) for half in paid(i)])
            one.delivered(100, "monitor")
            with detecting(tmp_path / "two", *known, settings=settings) as two:
                post(two, [half for i in range(100, 200) for half in paid(i)])
                wait(lambda: two.counts()['delivery_retries_total{destination="monitor"}'] >= 2)
                assert arrived(two.counts(), "monitor") == 0
            assert "belongs to another detector" in (tmp_path / "two" / "stderr").read_text()
            post(one, [half for i in range(200, 300) for half in paid(i)])
            one.delivered(200, "monitor")
            assert "pod-1" in monitor.get("health")["sentence"]
            (found,) = monitor.get("detectors")["detectors"]
            assert found["contested"]
            renamed = settings.replace("pod-1", "pod-2")
            with detecting(tmp_path / "two", *known, settings=renamed) as two:
                two.delivered(100, "monitor")
        monitor.judged()
        assert monitor.get("metrics", window="30d")["n"] == 300


def test_nothing_that_is_hashed_or_dropped_is_stored(tmp_path: Path) -> None:
    """No card and no text in the ledger's files, the monitor's, or any log, though drift of both is
    watched; the spool alone holds bodies, for as long as they wait."""
    known = str(saved_reference(tmp_path))
    with watching(tmp_path / "watch", "--reference", known) as monitor:
        settings = f"{QUICK}, monitor_url: '{monitor.facts['url']}', privacy: {{card: hash}}"
        settings += ", log_level: debug"
        secret = {"TIMONEL_HASH_KEY": "0123456789abcdef"}
        odd = [half for i in range(300, 330) for half in paid(i, amount="canary amount", age=[1])]
        with detecting(
            tmp_path / "one", "--reference", known, settings=settings, **secret
        ) as detector:
            post(detector, [half for i in range(300) for half in paid(i)] + odd)
            counts = detector.delivered(330, "ledger", "monitor")
            assert counts['violations_total{column="amount",kind="type"}'] == 30
            detector.process.send_signal(signal.SIGTERM)
            assert detector.process.wait(20) == 0
    rows = ledger_rows(tmp_path / "one")
    assert len({row["card"] for row in rows}) > 20
    assert [row["entity"] for row in rows] == [row["card"] for row in rows]
    assert "canary" not in str(rows)
    assert "card-" not in str(rows)
    kept = [
        tmp_path / "one" / ".timonel" / "ledger",
        tmp_path / "one" / "stderr",
        tmp_path / "watch",
    ]
    files = [f for place in kept for f in (place, *place.rglob("*")) if f.is_file()]
    assert len(files) > 5
    for file in files:
        for plain in (b"canary", b"card-1", payment(0)["card"].encode()):
            assert plain not in file.read_bytes(), file


def test_a_parcel_names_no_entity_and_no_text() -> None:
    """Unpacked: all its tables and its header."""
    watched = ModelMonitor(reference(), MonitorConfig(task=Task.BINARY, columns=ROLES))
    destination = MonitorDestination(
        "http://localhost", "fraud", Sender("pod-1", "a"), None, watched, Privacy()
    )
    rows = [payment(i) for i in range(200)]
    features = [pa.array([row[name] for row in rows]) for name in rows[0]]
    table = pa.table(
        {
            ROLES["prediction_id"]: [f"id-{i}" for i in range(200)],
            ROLES["timestamp"]: pa.array(range(200), pa.timestamp("us", "UTC")),
            ROLES["prediction"]: [i % 2 for i in range(200)],
            ROLES["features"]: pa.StructArray.from_arrays(features, list(rows[0])),
        }
    )
    ends = np.arange(1, 201)
    body, kind = destination._body(Piece((Read(table, ends, ends),), 200))
    assert kind == PARCEL
    assert Parcel.from_bytes(body).rows == 200
    header, parts = unbundle("parcel", 1, body)
    sealed = [payload for part in parts.values() for payload in part["payload"].to_pylist()]
    tables = [pa.ipc.open_stream(payload).read_all() for payload in sealed]
    whole = str(header) + "".join(f"{t.schema.metadata}{t.to_pydict()}" for t in tables)
    assert "id-7" in whole
    assert "canary" not in whole
    assert "card-" not in whole


def test_it_does_not_start_with_privacy_that_it_could_not_keep(tmp_path: Path) -> None:
    """A hash without a key: it ends with what to do, before anything is taken."""
    with pytest.raises(AssertionError, match="TIMONEL_HASH_KEY has no value"):
        with detecting(tmp_path / "one", settings="privacy: {card: hash}"):
            pass
