"""Parts of the monitor service by themselves: its journal, its snapshot, its words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from timonel.errors import BadInput, Corrupt
from timonel.monitor.monitor import ModelMonitor
from timonel_serving.monitor.access import Access, access, is_loopback
from timonel_serving.monitor.disk.journal import Journal
from timonel_serving.monitor.disk.store import Snapshot, Store
from timonel_serving.monitor.models.detectors import FORGOTTEN, MOST, Detectors
from timonel_serving.monitor.models.health import health_of
from timonel_serving.monitor.models.labels import read_labels
from timonel_serving.monitor.models.states import HealthState
from timonel_serving.problems import NameTaken, Overloaded, Unauthorized

ROOT = Path(__file__).parents[3]


def test_a_torn_end_is_cut_and_counted(tmp_path: Path) -> None:
    """A power loss in the midst of a write takes that record alone: it was never answered."""
    journal = Journal(tmp_path)
    ends = [journal.append(b"record %d" % i, 1) for i in range(3)]
    journal.close()
    (segment,) = tmp_path.glob("*.spool")
    whole = segment.read_bytes()
    for lost in range(1, len(whole) - ends[1] + 1):
        segment.write_bytes(whole[:-lost])
        again = Journal(tmp_path)
        assert [payload for _, payload in again.read(0)] == [b"record 0", b"record 1"]
        assert again.cut == len(whole) - ends[1] - lost
        again.close()


def test_a_journal_with_a_gap_is_not_read(tmp_path: Path) -> None:
    """What the snapshot needs and is not there would be lost in silence."""
    journal = Journal(tmp_path)
    end = journal.append(b"x", 1)
    journal.close()
    with pytest.raises(Corrupt, match="restore the whole folder"):
        Journal(tmp_path, end + 1)


def test_a_snapshot_is_whole_or_refused(tmp_path: Path) -> None:
    """Any change of it is noticed, and names the file."""
    store = Store(tmp_path)
    store.save(Snapshot("id", 0, 0, {"a": [1.0, 2, 3]}, {"served": {}}, b"\n\x00monitor\n"))
    store.close()
    again = Store(tmp_path)
    assert again.snapshot.monitor == b"\n\x00monitor\n"
    assert again.snapshot.detectors == {"a": [1.0, 2, 3]}
    again.close()
    path = tmp_path / "snapshot"
    data = path.read_bytes()
    for at in range(0, len(data), 7):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(Corrupt, match="snapshot"):
            Store(tmp_path)


def test_detectors_are_bounded_and_forgotten() -> None:
    """A new name each minute fills no memory; one that is gone for a week makes room."""
    known = Detectors(timedelta(minutes=5))
    for i in range(MOST):
        known.hear(f"pod-{i}", float(i))
    with pytest.raises(Overloaded, match="detectors are known"):
        known.hear("one-more", float(MOST))
    assert known.hear("one-more", FORGOTTEN + 1.5) == 0
    assert known.mark("pod-0") == 0
    assert len(known.status(FORGOTTEN + 1.5, -1)) == MOST - 1


def test_a_name_belongs_to_the_detector_that_is_at_work() -> None:
    """Another spool is refused until the first is silent or has stopped; each spool has its own mark."""
    known = Detectors(timedelta(minutes=5))
    known.admit("pod", 0.0, "a")
    known.hear("pod", 0.0, "a")
    known.count("pod", 70, -1)
    for now in (10.0, 40.0):
        with pytest.raises(NameTaken, match="the name pod belongs to another detector"):
            known.admit("pod", now, "b")
    assert not known.status(45.0, -1)[0].contested  # perhaps the same one, without its disk
    known.hear("pod", 50.0, "a")
    assert known.status(50.0, -1)[0].contested
    assert not known.status(400.0, -1)[0].contested
    known.leave("pod", "b")
    assert known.status(50.0, -1) != ()
    known.leave("pod", "a")
    known.admit("pod", 60.0, "b")
    assert known.hear("pod", 60.0, "b") == 0
    known.count("pod", 20, -1)
    again = Detectors(timedelta(minutes=5))
    again.resume(known.to_dict())
    assert (again.mark("pod", "a"), again.mark("pod", "b"), again.mark("pod", "c")) == (70, 20, 0)
    again.admit("pod", 361.0, "a")  # b is silent for longer than it may be
    assert again.hear("pod", 361.0, "a") == 70


def test_a_mark_of_an_older_release_goes_to_the_first_spool() -> None:
    """What was kept without a spool is the detector's that comes next: nothing is counted twice."""
    known = Detectors(timedelta(minutes=5))
    known.resume({"pod": [0.0, 70, -1, False]})
    known.admit("pod", 1.0, "a")
    assert known.hear("pod", 1.0, "a") == 70
    with pytest.raises(NameTaken):
        known.admit("pod", 2.0, "b")


def test_a_detector_ahead_makes_nobody_late() -> None:
    """Lag counts from the newest time that the monitor believes."""
    known = Detectors(timedelta(minutes=5))
    for name, newest in (("right", 1_000_000_000), ("ahead", 99_000_000_000)):
        known.hear(name, 0.0)
        known.count(name, 1, newest)
    lags = {one.name: one.lag_seconds for one in known.status(1.0, 1_000_000_000)}
    assert lags == {"right": 0, "ahead": 0}


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_beyond_loopback_a_token_is_required(host: str, alone: bool) -> None:
    """Without one it does not start."""
    assert is_loopback(host) is alone
    if not alone:
        with pytest.raises(BadInput, match="TIMONEL_TOKEN"):
            access(host, {})
    found = access(host, {"TIMONEL_TOKEN": "abc"})
    found.check("bearer abc")
    assert "abc" not in repr(found)
    for wrong in (None, "", "abc", "Bearer abcd", "Bearer äbc"):
        with pytest.raises(Unauthorized):
            found.check(wrong)
    Access(None).check(None)


def test_ids_stay_what_they_are() -> None:
    """Numbers by their digits, text unchanged, whatever the table they come in."""
    now = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e6)
    columns = {
        "007": pa.array(["007"]),
        "7": pa.array([7.0]),
        "9007199254740993": pa.array([9007199254740993]),
        "x": pa.array(["x"]).dictionary_encode(),
    }
    for wanted, ids in columns.items():
        found = read_labels(pa.table({"prediction_id": ids, "actual": [1]}), now)
        assert found.table["prediction_id"].to_pylist() == [wanted]


def test_every_runbook_that_health_names_is_there() -> None:
    """A link that leads nowhere helps nobody at night."""
    from timonel_serving.monitor.models import health

    metrics = ["error_rate", "p95_latency_ms", "null_rate", "violation_rate", "drift", "accuracy"]
    metrics += ["traffic stopped", "accuracy_gap", "alert_rate"]
    pages = {health._runbook(metric) for metric in metrics} | {
        "runbooks/detector-stale",
        health._NAME,
    }
    pages.add(health_of(ModelMonitor().standing(), ()).runbook)
    assert [page for page in pages if not (ROOT / "docs" / f"{page}.md").is_file()] == []


def test_nothing_heard_is_no_data() -> None:
    """Never well."""
    found = health_of(ModelMonitor().standing(), ())
    assert found.state is HealthState.NO_DATA
