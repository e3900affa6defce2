"""A monitor that is killed in the midst of its work, and started again."""

import signal
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from watching import PARCEL, Watching, parcel_body, rows_body, wait, watching

WINDOWS = ("1h", "6h", "1d")
BATCH = 100
Delivery = tuple[str, int, bytes, str] | list[dict[str, Any]]


@pytest.fixture(scope="module")
def traffic() -> list[Delivery]:
    """Two detectors take turns, one in rows and one in parcels; labels come between, some too early."""
    found: list[Delivery] = []
    for i in range(16):
        make, kind, name = (parcel_body, PARCEL, "pod-b") if i % 2 else (rows_body, None, "pod-a")
        body = make(i * BATCH, BATCH)
        found.append((name, (i + 1) * 10, body, kind or "application/vnd.apache.arrow.stream"))
        ids = range(i * BATCH, (i + 1) * BATCH + 20)
        found.append([{"prediction_id": f"p{j}", "actual": j % 3 == 0} for j in ids])
    return found


def deliver(monitor: Watching, traffic: list[Delivery]) -> None:
    for one in traffic:
        if isinstance(one, list):
            assert monitor.label(one)["rows"] == len(one)
        else:
            assert monitor.send(*one).status_code == 200


def state(monitor: Watching) -> dict[str, Any]:
    """All that is asked of windows, labels and detectors."""
    monitor.judged()
    found = {window: monitor.get("metrics", window=window) for window in WINDOWS}
    for one in found.values():
        del one["rejected"]  # labels that came again are counted there
    marks = {d["name"]: d["mark"] for d in monitor.get("detectors")["detectors"]}
    counters = {
        (name, labels): value
        for (name, labels), value in monitor.series().items()
        if name.endswith("_total")
    }
    return {"metrics": found, "marks": marks, "counters": counters}


@pytest.fixture(scope="module")
def calm(traffic: list[Delivery], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a monitor says that nobody disturbed."""
    with watching(tmp_path_factory.mktemp("calm")) as monitor:
        deliver(monitor, traffic)
        found = state(monitor)
    assert found["metrics"]["1d"]["n"] == 16 * BATCH
    assert found["metrics"]["1d"]["n_labelled"] == 16 * BATCH
    return found


@pytest.mark.parametrize("snapshots", ["1h", "1s"])
def test_killed_and_started_again_it_has_all_that_was_answered(
    traffic: list[Delivery], calm: dict[str, Any], tmp_path: Path, snapshots: str
) -> None:
    """SIGKILL: the same windows, labels, marks and counters as undisturbed, from the journal
    alone and from snapshots."""
    settings = f"ledger: false, snapshot_every: {snapshots}"
    with watching(tmp_path, settings=settings) as monitor:
        deliver(monitor, traffic[:12])
        if snapshots == "1s":
            monitor.judged()
        deliver(monitor, traffic[12:16])
        monitor.process.send_signal(signal.SIGKILL)
        assert monitor.process.wait(10) == -signal.SIGKILL
    with watching(tmp_path, settings=settings) as monitor:
        deliver(monitor, traffic[8:])  # in part again, as a detector would
        found = state(monitor)
    for window in WINDOWS:
        assert found["metrics"][window] == calm["metrics"][window]
    assert found["marks"] == calm["marks"]
    served = {k: v for k, v in calm["counters"].items() if k[0].startswith("timonel_predictions")}
    assert served.items() <= found["counters"].items()


def test_killed_amid_a_request_it_has_all_of_it_or_nothing(tmp_path: Path) -> None:
    """Whatever was answered is there; what was not is taken when it is sent again, once."""
    bodies = [rows_body(i * BATCH, BATCH) for i in range(40)]
    answered: list[int] = []

    def send(monitor: Watching) -> None:
        for i in range(len(answered), len(bodies)):
            try:
                monitor.send("pod-a", i + 1, bodies[i]).raise_for_status()
            except httpx.TransportError:
                return
            answered.append(i)

    with watching(tmp_path) as monitor:
        sender = Thread(target=send, args=(monitor,))
        sender.start()
        wait(lambda: len(answered) >= 7)
        monitor.process.send_signal(signal.SIGKILL)
        monitor.process.wait(10)
        sender.join()
    with watching(tmp_path) as monitor:
        assert monitor.get("detectors/pod-a")["mark"] in (len(answered), len(answered) + 1)
        send(monitor)
        assert len(answered) == len(bodies)
        assert monitor.get("metrics", window="1d")["n"] == len(bodies) * BATCH


def test_a_stop_ends_well_and_loses_nothing(tmp_path: Path) -> None:
    """SIGTERM: exit 0, and the next start goes on; a second monitor on its folder is refused."""
    with watching(tmp_path) as monitor:
        monitor.send("pod-a", 1, rows_body(0, BATCH))
        monitor.process.send_signal(signal.SIGTERM)
        assert monitor.process.wait(20) == 0
    with watching(tmp_path) as monitor:
        assert monitor.get("metrics", window="1d")["n"] == BATCH
        with pytest.raises(AssertionError, match="another monitor writes to"):
            with watching(tmp_path):
                pass
