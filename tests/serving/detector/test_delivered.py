"""Rows on their way to ledger and monitor, all of them real processes: each arrives once, whatever dies."""

import random
import signal
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from card_events import paid, saved_reference
from detectors import Detecting, detecting
from inference_events import Posted, structured
from timonel.ledger import Ledger, Place
from watching import Watching, watching

BATCH = {"content-type": "application/cloudevents-batch+json"}
QUICK = "name: pod-1, commit_every: 1s, hand_over_every: 1s"
COUNT = 1500


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
    for name, cuts in (("calm", [0, None]), ("killed", [0, 1400, None])):
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
