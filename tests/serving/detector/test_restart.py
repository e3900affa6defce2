"""A detector killed in the midst of its work, and started again."""

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from detectors import Detecting, detecting
from inference_events import Headers, Posted, inference, structured
from timonel.config.watching import Detector
from timonel.monitor.config import MonitorConfig
from timonel.terms import Task
from timonel_serving.detector.process import put_together
from timonel_serving.detector.tally import Fold, Outcome

INFERENCES = 2450
BATCH = {"content-type": "application/cloudevents-batch+json"}
WHOLE = (timedelta(hours=1), timedelta(days=1), timedelta(days=30))


@dataclass(frozen=True)
class Traffic:
    """Events shuffled, doubled, with halves missing, and what must become of them."""

    messages: list[tuple[Headers, bytes]]
    outcomes: dict[str, int]
    waiting: int
    inferences: int


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    """About 5,000 events, half of them one by one, half in batches of 50."""
    rng = random.Random(3)
    sent: list[Posted] = []
    complete = 0
    for number in range(INFERENCES):
        halves = inference(number)
        missing = rng.random() < 0.05
        complete += not missing
        kept = [rng.choice(halves)] if missing else list(halves)
        sent += kept + [rng.choice(kept)] * (rng.random() < 0.1)
    rng.shuffle(sent)
    single, batched = sent[::2], sent[1::2]
    messages = [(one.headers, one.body) for one in single]
    for i in range(0, len(batched), 50):
        events = [structured(one) for one in batched[i : i + 50]]
        messages.insert(rng.randrange(len(messages)), (BATCH, orjson.dumps(events)))
    distinct = len({one.key for one in sent})
    outcomes = {"joined": 2 * complete, "duplicate": len(sent) - distinct}
    assert len(sent) == pytest.approx(5000, rel=0.05)
    return Traffic(messages, outcomes, distinct - 2 * complete, complete)


def post(detector: Detecting, messages: list[tuple[Headers, bytes]]) -> None:
    for headers, body in messages:
        assert detector.post(headers, body)[0] == 200


def check(counts: dict[str, float], traffic: Traffic) -> None:
    for name, count in traffic.outcomes.items():
        assert counts[f'events_total{{outcome="{name}"}}'] == count
    assert counts["halves_waiting"] == traffic.waiting
    assert counts['inferences_total{outcome="folded"}'] == traffic.inferences


def replayed(spool: Path) -> tuple[dict[str, int], list[object]]:
    """What is counted of a spool an hour later, and the metrics of windows of three lengths."""
    settings, watching = Detector(port=0), MonitorConfig(task=Task.BINARY)
    later = lambda: time.time_ns() // 1000 + 3_600_000_000  # noqa: E731
    detection = put_together(settings, watching, None, spool, later)
    detection.folding.start()
    deadline = time.monotonic() + 30
    while detection.spool.unread or detection.folding.waiting:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    detection.folding.stop()
    detection.spool.close()
    counts = detection.tally.of(Outcome) | detection.tally.of(Fold)
    return counts, [detection.monitor.calculate_metrics(span).to_dict() for span in WHOLE]


def test_killed_and_started_again_it_counts_the_same(traffic: Traffic, tmp_path: Path) -> None:
    """SIGKILL amid 5,000 events: the same counts and the same windows as an undisturbed run."""
    middle = len(traffic.messages) // 2
    with detecting(tmp_path / "calm", "--durable") as calm:
        post(calm, traffic.messages)
        check(calm.settled(), traffic)
    for start, stop in ((0, middle), (middle, None)):
        with detecting(tmp_path / "killed", "--durable") as killed:
            post(killed, traffic.messages[start:stop])
            if stop is None:
                check(killed.settled(), traffic)
            killed.process.send_signal(signal.SIGKILL)
            assert killed.process.wait(10) == -signal.SIGKILL
    counts, metrics = replayed(tmp_path / "killed" / "spool")
    assert (counts, metrics) == replayed(tmp_path / "calm" / "spool")
    missing = counts["request_missing"] + counts["response_missing"]
    assert missing == traffic.waiting > 50
    total = Counter(counts)
    assert total["folded"] == traffic.inferences
    assert total["joined"] == 2 * traffic.inferences


def test_a_stop_loses_nothing_and_ends_well(tmp_path: Path) -> None:
    """SIGTERM just after an answer: exit 0, and the next start has the event."""
    request, response = inference(1)
    with detecting(tmp_path / "one") as first:
        first.post(request.headers, request.body)
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(20) == 0
    with detecting(tmp_path / "one") as second:
        second.post(response.headers, response.body)
        assert second.settled()['inferences_total{outcome="folded"}'] == 1


def test_a_second_detector_on_the_spool_is_told_so(tmp_path: Path) -> None:
    """It ends with a message, and the first one is not disturbed."""
    with detecting(tmp_path / "one") as first:
        with pytest.raises(AssertionError, match="another detector writes to the spool"):
            with detecting(tmp_path / "one"):
                pass
        assert first.counts()["halves_waiting"] == 0
