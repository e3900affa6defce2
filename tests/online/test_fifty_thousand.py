"""50,000 events of KServe's agent and of our predictor, and labels, through detector, monitor and ledger."""

import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from card_events import paid, saved_reference
from detectors import Detecting, detecting
from inference_events import Posted, structured
from timonel.ledger import Ledger, Place
from watching import Watching, watching

INFERENCES = 23_700
BATCH = {"content-type": "application/cloudevents-batch+json"}
OURS = ("ce-modelversion", "ce-latencyms", "ce-status")
"""What our predictor says and KServe's agent does not."""


@dataclass(frozen=True)
class Traffic:
    """Events shuffled, doubled, with halves missing; and what must become of them."""

    events: list[Posted]
    labels: list[dict[str, Any]]
    complete: int
    duplicates: int
    waiting: int
    ours: int


def of_the_agent(half: Posted) -> Posted:
    """The same event as KServe's agent would send it: the version only as the annotation it was given."""
    kept = {name: value for name, value in half.headers.items() if name not in OURS}
    return replace(half, headers=kept | {"ce-annotations": '{"timonel/version":"7"}'})


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    """One inference in 25 lacks a half, the first events come twice; all within 4,000 places of theirs."""
    rng = random.Random(11)
    sent: list[Posted] = []
    labels, ours = [], 0
    for number in range(INFERENCES):
        agent = number % 2 == 0
        halves = [of_the_agent(half) if agent else half for half in paid(number)]
        if rng.random() < 0.04:
            sent.append(rng.choice(halves))
            continue
        ours += not agent
        sent += halves
        labels.append({"prediction_id": f"id-{number}", "actual": rng.randrange(2)})
    distinct = len(sent)
    sent += sent[: 50_000 - distinct]
    order = sorted(range(50_000), key=lambda i: i % distinct + 4000 * rng.random())
    sent = [sent[i] for i in order]
    complete = len(labels)
    return Traffic(sent, labels, complete, 50_000 - distinct, distinct - 2 * complete, ours)


def post(detector: Detecting, events: Sequence[Posted]) -> None:
    """One in twenty alone, the others a hundred at a time."""
    for i in range(0, len(events), 100):
        alone, together = events[i : i + 5], events[i + 5 : i + 100]
        for one in alone:
            assert detector.post(one.headers, one.body)[0] == 200
        body = orjson.dumps([structured(one) for one in together])
        assert detector.post(BATCH, body)[0] == 200


def label(monitor: Watching, labels: Sequence[dict[str, Any]]) -> None:
    for i in range(0, len(labels), 5000):
        monitor.label(list(labels[i : i + 5000]))


def found(folder: Path, monitor: Watching) -> dict[str, Any]:
    """The ledger's rows and the monitor's figures; when something arrived is left out."""
    ledger = Ledger(Place.of(folder / ".timonel" / "ledger", {}))
    rows = ledger.rows("predictions").to_table().drop_columns(["arrival_time"])
    asked = ({"window": "1h"}, {"window": "30d"}, {"window": "30d", "version": "7"})
    return {
        "rows": sorted(rows.to_pylist(), key=lambda row: str(row["prediction_id"])),
        "figures": [monitor.get("metrics", **one) for one in asked],
    }


@pytest.fixture(scope="module")
def calm(traffic: Traffic, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("calm")
    with running(folder) as (monitor, detector):
        label(monitor, traffic.labels[::2])
        post(detector, traffic.events)
        counts = detector.delivered(traffic.complete, "ledger", "monitor")
        label(monitor, traffic.labels[1::2])
        yield found(folder / "pod", monitor) | {"counts": counts}


@contextmanager
def running(folder: Path, port: int = 0) -> Iterator[tuple[Watching, Detecting]]:
    """A monitor and a detector that hands over to it."""
    known = ("--reference", str(saved_reference(folder)))
    with watching(folder / "watch", *known, "--port", str(port)) as monitor:
        settings = (
            "name: pod-1, commit_every: 1s, hand_over_every: 1s, join_timeout: 1h, "
            f"monitor_url: '{monitor.facts['url']}'"
        )
        with detecting(folder / "pod", *known, settings=settings) as detector:
            yield monitor, detector


def test_every_event_is_explained(traffic: Traffic, calm: dict[str, Any]) -> None:
    """Joined, twice, or waiting for its other half: the counts add up to 50,000."""
    counts = calm["counts"]
    assert counts['events_total{outcome="joined"}'] == 2 * traffic.complete
    assert counts['events_total{outcome="duplicate"}'] == traffic.duplicates
    assert counts["halves_waiting"] == traffic.waiting
    assert 2 * traffic.complete + traffic.duplicates + traffic.waiting == 50_000
    assert counts['inferences_total{outcome="folded"}'] == traffic.complete


def test_ledger_and_monitor_have_each_inference_once(
    traffic: Traffic, calm: dict[str, Any]
) -> None:
    """As many rows as inferences, all with their version and label, latency where it was said."""
    rows = calm["rows"]
    assert len({row["prediction_id"] for row in rows}) == len(rows) == traffic.complete
    assert {row["version"] for row in rows} == {"7"}
    assert sum(row["latency_ms"] is not None for row in rows) == traffic.ours
    month = calm["figures"][1]
    assert month["n"] == month["n_labelled"] == traffic.complete


def test_killed_twice_it_ends_as_if_nothing_had_happened(
    traffic: Traffic, calm: dict[str, Any], tmp_path: Path
) -> None:
    """SIGKILL of detector and monitor amid the events: the same rows, the same figures."""
    port = 0
    for start, stop in ((0, 17_300), (17_300, 36_100), (36_100, None)):
        with running(tmp_path, port) as (monitor, detector):
            port = int(monitor.facts["url"].rpartition(":")[2])
            if not start:
                label(monitor, traffic.labels[::2])
            post(detector, traffic.events[start:stop])
            if stop is None:
                detector.delivered(traffic.complete, "ledger", "monitor")
                label(monitor, traffic.labels[1::2])
                disturbed = found(tmp_path / "pod", monitor)
            for process in (detector.process, monitor.process):
                process.send_signal(signal.SIGKILL)
                process.wait(10)
    assert disturbed["rows"] == calm["rows"]
    assert disturbed["figures"] == calm["figures"]
