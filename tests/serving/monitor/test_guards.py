"""What protects the monitor, and what it says of itself."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from timonel.ledger import Decision, Ledger
from timonel.ledger import Place as LedgerPlace
from timonel.windows.envelope import bundle, seal
from watching import PARCEL, ROWS, labelled, parcel_body, rows_body, wait, watching

TOKEN = "s3cret-of-the-monitor"
LABEL = {"prediction_id": "p1", "actual": 1}


def test_with_a_token_only_its_owner_may_send(tmp_path: Path) -> None:
    """Labels and windows are refused without it, answers are open; neither the token nor a value of a
    feature is in the log, which is JSON."""
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    flags = {"TIMONEL_TOKEN_FILE": str(path), "TIMONEL_LOG_LEVEL": "debug"}
    with watching(tmp_path / "one", "--host", "0.0.0.0", **flags) as monitor:
        body = rows_body(0, 100)
        for wrong in ({}, {"authorization": "Bearer no"}, {"authorization": f"Basic {TOKEN}"}):
            answer = monitor.send("pod-a", 1, body, **wrong)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
            assert monitor.client.post("/v1/labels", json=LABEL, headers=wrong).status_code == 401
        right = {"authorization": f"Bearer {TOKEN}", "x-request-id": "mine-1"}
        assert monitor.send("pod-a", 1, body, **right).json() == {"mark": 1}
        taken = monitor.client.post("/v1/labels", json=LABEL, headers=right)
        assert taken.headers["x-request-id"] == "mine-1"
        assert monitor.get("health")["state"]
        monitor.process.send_signal(signal.SIGTERM)
        assert monitor.process.wait(20) == 0
        log = monitor.log()
    assert {"time", "level", "message", "process", "model", "logger"} <= set.intersection(
        *(set(line) for line in log)
    )
    assert {line["process"] for line in log} == {"monitor"}
    (said,) = [line for line in log if line["message"] == "labels taken"]
    assert (said["request_id"], said["model"], said["applied"]) == ("mine-1", "fraud", 1)
    assert "uvicorn.error" in {line["logger"] for line in log}
    text = monitor.errors.read_text()
    assert TOKEN not in text
    assert '"amount"' not in text


@pytest.mark.parametrize(
    ("flags", "environment", "said"),
    [
        (["--host", "0.0.0.0"], {}, "TIMONEL_TOKEN is not set"),
        ([], {"TIMONEL_TOKEN": " "}, "TIMONEL_TOKEN is empty"),
        ([], {"TIMONEL_TOKEN_FILE": "/no/such"}, "cannot be read"),
        (["--port", "99999"], {}, "--port is 99999"),
        ([], {"TIMONEL_LOG_LEVEL": "loud"}, "expected one of debug, info"),
        (["--reference", "nothing.tar"], {}, "nothing.tar"),
    ],
)
def test_it_does_not_start_on_bad_settings(
    tmp_path: Path, flags: list[str], environment: dict[str, str], said: str
) -> None:
    """It names what is wrong, and listens nowhere."""
    with pytest.raises(AssertionError, match=said), watching(tmp_path, *flags, **environment):
        pass


def test_a_taken_port_names_its_setting(tmp_path: Path) -> None:
    """With the port, and what to do."""
    with watching(tmp_path / "one") as first:
        port = first.facts["url"].rpartition(":")[2]
        with pytest.raises(AssertionError, match=r"monitoring\.monitor\.port is"):
            with watching(tmp_path / "two", "--port", port):
                pass


def test_no_data_and_silence_are_states_of_their_own(tmp_path: Path) -> None:
    """Neither a monitor that has seen nothing nor one whose detectors are silent says well."""
    with watching(tmp_path, settings="stale_after: 7s, ledger: false") as monitor:
        monitor.judged()
        assert monitor.get("health")["state"] == "no_data"
        assert monitor.series()["timonel_model_state", labelled(state="no_data")] == 1
        assert not [name for name, _ in monitor.series() if name.startswith("timonel_metric")]
        monitor.send("pod-a", 1, rows_body(0, 100))
        monitor.judged()
        assert monitor.get("health")["state"] == "learning"
        wait(lambda: monitor.get("health")["state"] == "stale")
        found = monitor.get("health")
        assert "pod-a" in found["sentence"]
        assert found["runbook"] == "runbooks/detector-stale"
        assert monitor.series()["timonel_detector_up", labelled(detector="pod-a")] == 0
        monitor.send("pod-a", 0, b"")
        assert monitor.get("health")["state"] == "learning"


def test_a_detector_that_stops_says_so(tmp_path: Path) -> None:
    """It is not called silent, others are as they were, its mark is kept; without any nothing is well."""
    with watching(tmp_path) as monitor:
        for pod in ("pod-a", "pod-b"):
            monitor.send(pod, 7, rows_body(0, 100))
        assert monitor.client.delete("/v1/models/fraud/detectors/pod-a").json() == {"mark": 7}
        assert [one["name"] for one in monitor.get("detectors")["detectors"]] == ["pod-b"]
        assert monitor.get("detectors/pod-a")["mark"] == 7
        monitor.judged()
        assert monitor.get("health")["state"] == "learning"
        monitor.client.delete("/v1/models/fraud/detectors/pod-b")
        assert monitor.get("health")["state"] == "stale"
        monitor.send("pod-a", 0, b"")
        assert monitor.get("health")["state"] == "learning"


def test_labels_figures_and_decisions_meet_in_the_ledger(tmp_path: Path) -> None:
    """Each label once, over a kill; hourly figures; decisions newest first."""
    ledger = Ledger(LedgerPlace.of(tmp_path / ".timonel" / "ledger", os.environ))
    for kind in ("promoted", "rolled back"):
        ledger.decide(Decision(time=datetime.now(UTC), kind=kind, summary=kind, model="fraud"))

    def kept(table: str) -> pa.Table:
        return ledger.rows(table).to_table()

    with watching(tmp_path, settings="stale_after: 1h") as monitor:
        monitor.send("pod-a", 1, rows_body(0, 1000))
        monitor.label([{"prediction_id": f"p{i}", "actual": i % 2} for i in range(300)])
        monitor.label([{"prediction_id": f"p{i}", "actual": True} for i in range(300, 310)])
        wait(lambda: kept("labels").num_rows == 310)
        monitor.label([{"prediction_id": "p999", "actual": 0, "arrived_at": "2025-11-14T09:00Z"}])
        monitor.process.kill()
        monitor.process.wait(10)
    with watching(tmp_path, settings="stale_after: 1h") as monitor:
        wait(lambda: kept("labels").num_rows == 311)
        found = [d["kind"] for d in monitor.get("decisions")["decisions"]]
        assert found == ["rolled back", "promoted"]
        wait(lambda: kept("windows").num_rows)
    labels = kept("labels").to_pydict()
    assert len(set(labels["prediction_id"])) == 311
    assert set(labels["label"]) == {"0", "1"}
    hours = {
        (row["window_start"].hour, row["version"], row["metric"]): row["value"]
        for row in kept("windows").to_pylist()
    }
    assert hours[0, None, "n"] == hours[0, "1", "n"] == 360
    assert (2, None, "n") not in hours


def test_a_second_detector_of_one_name_is_refused_and_told(tmp_path: Path) -> None:
    """409 with what to do, counted by reason, in the series and in health; the first goes on, also after a
    restart of the monitor, and what the second says of itself does not touch it."""
    one, two = {"x-timonel-spool": "a1"}, {"x-timonel-spool": "b2"}
    with watching(tmp_path) as monitor:
        assert monitor.send("pod-a", 50, parcel_body(0, 10), PARCEL, **one).json() == {"mark": 50}
        answer = monitor.send("pod-a", 20, parcel_body(10, 10), PARCEL, **two)
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
        assert "monitoring.detector.name" in answer.json()["fix"]
        assert monitor.send("pod-a", 0, b"", **two).status_code == 409
        own = "/v1/models/fraud/detectors/pod-a"
        assert monitor.client.get(own, headers=two).json() == {"mark": 0}
        assert monitor.client.delete(own, headers=two).json() == {"mark": 0}
        assert monitor.send("pod-a", 60, parcel_body(20, 10), PARCEL, **one).json() == {"mark": 60}
        monitor.judged()
        assert "pod-a" in monitor.get("health")["sentence"]
        series = monitor.series()
        assert series["timonel_detector_contested", labelled(detector="pod-a")] == 1
        assert series["timonel_monitor_rejected_total", labelled(reason="name_taken")] == 2
        assert monitor.get("metrics", window="1d")["n"] == 20
        monitor.process.kill()
        monitor.process.wait()
    with watching(tmp_path) as monitor:
        assert monitor.send("pod-a", 20, parcel_body(10, 10), PARCEL, **two).status_code == 409
        assert monitor.client.get(own, headers=one).json() == {"mark": 60}


def test_a_small_body_that_unpacks_to_much_is_refused_unopened(tmp_path: Path) -> None:
    """A parcel and a stream of rows of a gigabyte each: 413, counted by reason, and no memory taken."""
    zeros, sink = pa.table({"a": np.zeros(2**27)}), pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, zeros.schema, options=options) as writer:
        writer.write_table(zeros)
    bodies = {ROWS: bytes(sink.getvalue())}
    bodies[PARCEL] = bundle("parcel", 1, {}, {"state": seal("window state", 1, {}, zeros)})
    with watching(tmp_path) as monitor:
        for kind, body in bodies.items():
            assert len(body) < 2**18
            answer = monitor.send("pod-a", 1, body, kind)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        rejected = monitor.series()["timonel_monitor_rejected_total", labelled(reason="too_large")]
        assert rejected == 2
        peak = Path(f"/proc/{monitor.process.pid}/status").read_text().partition("VmHWM:")[2]
        assert int(peak.split()[0]) < 700 * 1024


def test_a_parcel_that_counts_otherwise_waits_to_be_mended(tmp_path: Path) -> None:
    """409, which a detector repeats; what differs is named and nothing counted."""
    with watching(tmp_path) as monitor:
        assert monitor.send("pod-a", 1, parcel_body(0, 10), PARCEL).status_code == 200
        other = parcel_body(10, 10, latency_slo_ms=20)
        answer = monitor.send("pod-a", 2, other, PARCEL)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert "latency_slo_ms" in answer.json()["detail"]
        assert monitor.get("detectors/pod-a") == {"mark": 1}
        rejected = monitor.series()["timonel_monitor_rejected_total", labelled(reason="conflict")]
        assert rejected == 1
