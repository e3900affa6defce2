"""Changes of what serves in the ledger's chain, and in the answers of a real monitor."""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor_pages import SETTINGS
from timonel import ModelMonitor
from timonel.config import parse_config
from timonel.ledger import Ledger, Record
from timonel.ledger import Place as LedgerPlace
from timonel.monitor.config import MonitorConfig
from timonel_serving.monitor.models.watched import Place, Watched
from timonel_serving.monitor.served.file import VARIABLE
from timonel_serving.monitor.served.recording import KIND, record_served
from timonel_serving.monitor.served.standing import ServingState
from watching import watching


def write(path: Path, stable: str, canary: str | None = None, weight: int = 0) -> None:
    """As the chart does."""
    package = {"stable": {"uri": f"s3://models/{stable}", "digest": stable * 8}, "canary": None}
    said: dict[str, Any] = {"stable": stable, "canary": canary, "weight": weight, "revision": 3}
    said |= {"strategy": "gateway", "chart": "0.1.0", "package": package}
    path.write_text(json.dumps(said))


class Stand:
    """A monitor of a model, whose clock tells a second more each time."""

    def __init__(self, folder: Path, state: str = "state") -> None:
        self.file, self.seconds = folder / "serving.json", 1_780_000_000.0
        self.ledger = Ledger(LedgerPlace.of(str(folder / "ledger"), {}))
        self._folder = folder
        self.watched = self.start(state)

    def start(self, state: str) -> Watched:
        config = parse_config(SETTINGS.format(name="fraud"))
        monitor = ModelMonitor(None, MonitorConfig.of(config))
        place = Place(self._folder / state, lambda: self.ledger, self.file)
        self.watched = Watched("fraud", config, monitor, place, self._tick)
        return self.watched

    def _tick(self) -> float:
        self.seconds += 1
        return self.seconds

    def round(self) -> list[Record]:
        """Look, record, and what the chain has of it."""
        self.watched.served.look()
        record_served(self.watched.served, "fraud", self.ledger)
        return [one for one in self.ledger.decisions() if one.kind == KIND]


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """With version 6 in the file."""
    write(tmp_path / "serving.json", "6")
    return Stand(tmp_path)


def test_a_release_and_its_rollback_are_in_the_chain(stand: Stand) -> None:
    """Each change once, with versions, revision and digests; the chain holds."""
    stand.round()
    for said in (("6", "7", 5), ("6", "7", 5), ("7",), ("6",)):
        write(stand.file, *said)
        found = stand.round()
    assert [one.version for one in found] == ["6", "6", "7", "6"]
    assert [one.summary.split(" (")[0] for one in found[1:]] == [
        "canary: version 7 at 5 %",
        "stable: version 6 -> 7, the canary was promoted",
        "stable: version 7 -> 6, rolled back",
    ]
    last = json.loads(found[-1].details)
    assert last["serving"]["package"]["stable"]["digest"] == "66666666"
    assert (last["before"]["stable"], last["serving"]["revision"]) == ("7", 3)
    assert stand.ledger.verify().whole


def test_a_restart_repeats_nothing_with_or_without_its_folder(stand: Stand) -> None:
    """A monitor that starts anew finds in the chain what it had recorded, and knows a rollback by it."""
    stand.round()
    write(stand.file, "7")
    assert len(stand.round()) == 2
    before = stand.watched.served.standing
    stand.watched.close()
    stand.start("state")
    assert len(stand.round()) == 2
    assert stand.watched.served.standing == before
    stand.watched.close()
    stand.start("another")
    assert len(stand.round()) == 2
    assert stand.watched.served.standing.since == before.since
    write(stand.file, "6")
    assert "rolled back" in stand.round()[-1].summary


def test_changes_wait_for_a_ledger_and_come_in_their_order(stand: Stand) -> None:
    """What was seen while nothing could be recorded is brought later, each with its own time."""
    for version in ("6", "7", "6"):
        write(stand.file, version)
        stand.watched.served.look()
    found = stand.round()
    assert [one.version for one in found] == ["6", "7", "6"]
    assert len({one.time for one in found}) == 3


@pytest.mark.parametrize(
    "said",
    ["", "{", "[]", '{"stable": ""}', '{"stable": "6", "x": 1}', '{"stable": "6", "weight": 101}'],
)
def test_a_malformed_file_is_a_state_of_its_own(stand: Stand, said: str) -> None:
    """What was known last is told as such; nothing is recorded, and a good file mends it."""
    stand.round()
    stand.file.write_text(said)
    assert len(stand.round()) == 1
    found = stand.watched.served.standing
    assert found.state is ServingState.UNREADABLE
    assert "malformed" in found.sentence
    assert found.what is not None
    assert found.what.stable == "6"
    write(stand.file, "6")
    assert len(stand.round()) == 1
    assert stand.watched.served.standing.state is ServingState.KNOWN


def test_a_missing_or_huge_file_is_said(stand: Stand) -> None:
    """Neither is a crash."""
    stand.file.write_text(" " * 100_000)
    stand.round()
    assert "longer than" in stand.watched.served.standing.trouble
    stand.file.unlink()
    stand.round()
    assert "cannot be read" in stand.watched.served.standing.trouble


def test_a_real_monitor_answers_what_serves(tmp_path: Path) -> None:
    """By its API and on its page, without a ledger, as the file changes; without the variable unset."""
    file = tmp_path / "serving.json"
    write(file, "6", "7", 10)
    with watching(tmp_path / "state", **{VARIABLE: str(file)}) as monitor:
        monitor.judged()
        found = monitor.get("serving")
        assert (found["state"], found["stable"], found["canary"], found["weight"]) == (
            *("known", "6", "7", 10),
        )
        assert found["stable_package"] == {"uri": "s3://models/6", "digest": "66666666"}
        page = monitor.client.get("/models/fraud").text
        assert "canary 7 at 10 %" in page
        file.write_text("{")
        monitor.judged()
        assert monitor.get("serving")["state"] == "unreadable"
        assert monitor.get("health")["state"] == "no_data"
    with watching(tmp_path / "other") as monitor:
        assert monitor.get("serving")["state"] == "unset"
