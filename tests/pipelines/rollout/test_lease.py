"""The lease: everybody who replays the chain finds the same holder."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rolled_out import SETTINGS, Bench
from timonel.canary.record.chain import Chain
from timonel.canary.record.lease import holder_of
from timonel.canary.record.reading import Step
from timonel.errors import Busy
from timonel.ledger import Ledger, Place
from timonel_pipelines.rollout.opening import Site

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(minutes=10)


class Clock:
    """A clock that is set by hand."""

    now = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """It begins with the year."""
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger."""
    return Ledger(Place.of(tmp_path / "ledger", {}))


def chain(ledger: Ledger, clock: Clock, rollout: str, model: str = "fraud") -> Chain:
    return Chain(ledger, model, rollout, LEASE, clock)


def test_the_second_is_refused_until_the_first_ends(ledger: Ledger, clock: Clock) -> None:
    """One rollout a model; another model's is none of its business."""
    first, second = chain(ledger, clock, "a"), chain(ledger, clock, "b")
    first.claim("7")
    chain(ledger, clock, "c", "spam").claim("2")
    with pytest.raises(Busy, match="rollout a of fraud is under way"):
        second.claim("8")
    first.say(Step.ENDED, "7", "done")
    second.claim("8")
    with pytest.raises(Busy, match="rollout b of fraud"):
        first.require()


def test_a_claim_in_spite_of_a_holder_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    """Two that looked at the same moment: the first record in the chain has it."""
    first, second = chain(ledger, clock, "a"), chain(ledger, clock, "b")
    first.say(Step.CLAIMED, "7", "asks")
    second.say(Step.CLAIMED, "8", "asks, too")
    first.require()
    with pytest.raises(Busy):
        second.require()


def test_silence_gives_it_up_and_a_record_renews_it(ledger: Ledger, clock: Clock) -> None:
    """Ten minutes after the last record, and not before, another one may begin."""
    first, second = chain(ledger, clock, "a"), chain(ledger, clock, "b")
    first.claim("7")
    clock.now = BEGIN + timedelta(minutes=9)
    first.hold()
    clock.now = BEGIN + timedelta(minutes=18)
    with pytest.raises(Busy):
        second.claim("8")
    clock.now = BEGIN + timedelta(minutes=19)
    assert holder_of(ledger.decisions(), "fraud", clock.now) is None
    second.claim("8")
    with pytest.raises(Busy, match="rollout b"):
        first.hold()


def test_it_is_renewed_rarely(ledger: Ledger, clock: Clock) -> None:
    """A record each third of the lease, not each block."""
    first = chain(ledger, clock, "a")
    first.claim("7")
    for minute in range(1, 11):
        clock.now = BEGIN + timedelta(minutes=minute)
        first.hold()
    assert len(ledger.decisions()) == 3


def test_a_rollout_is_not_begun_while_a_monitor_judges_one(tmp_path: Path) -> None:
    """Refused by name, with how that one is ended; nothing is asked of registry or monitor."""
    ledger = Ledger(Place.of(tmp_path / "ledger", {}))
    bench = Bench(tmp_path / "state", ledger=ledger)
    bench.watched.rollouts.open("6", "7", "fraud-7")
    settings = tmp_path / "timonel.yaml"
    settings.write_text(f"{SETTINGS.replace('NAME', 'fraud')}\nstorage: {{ledger: ledger}}\n")
    site = Site(settings)
    with pytest.raises(Busy, match="the rollout fraud-7 of fraud is under way") as refused:
        site.begin("8", None, bench.at)
    assert "DELETE /v1/rollouts/fraud-7" in (refused.value.fix or "")
    assert not site.rollouts.folder.exists()
    bench.watched.store.close()


def test_a_hosted_rollout_is_not_taken_for_a_driven_one_of_its_name(
    ledger: Ledger, clock: Clock
) -> None:
    """Neither renews nor ends what the other one holds."""
    hosted, driven = replace(chain(ledger, clock, "a"), hosted=True), chain(ledger, clock, "a")
    hosted.claim("7")
    with pytest.raises(Busy, match="rollout a of fraud"):
        driven.claim("7")
    driven.say(Step.ENDED, "7", "done")
    hosted.require()
