"""One rollout of a model at a time, whoever judges it: the monitor holds the lease that drivers hold."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rolled_out import Bench
from timonel.canary import Verdict
from timonel.canary.record.chain import Chain
from timonel.canary.record.lease import Holder, holder_of
from timonel.canary.record.reading import KIND, Step, details_of
from timonel.errors import Busy
from timonel.ledger import Ledger
from timonel.ledger import Place as LedgerPlace
from timonel_serving.monitor.rollouts.recording import record
from timonel_serving.monitor.rounds.keeping import Keeping
from timonel_serving.problems import Conflict

LEASE = timedelta(minutes=10)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A monitor with a ledger that others use, too."""
    found = Bench(tmp_path / "state", ledger=Ledger(LedgerPlace.of(str(tmp_path / "ledger"), {})))
    found.heard()
    yield found
    found.watched.store.close()


def ledger_of(bench: Bench) -> Ledger:
    assert bench.ledger is not None
    return bench.ledger


def driver(bench: Bench, name: str) -> Chain:
    """As a driver holds the lease."""
    return Chain(ledger_of(bench), "fraud", name, LEASE, lambda: bench.at)


def holder(bench: Bench) -> Holder | None:
    return holder_of(ledger_of(bench).decisions(), "fraud", bench.at)


def steps(bench: Bench) -> list[str]:
    said = [details_of(one) for one in ledger_of(bench).decisions() if one.kind == KIND]
    return [one.step.value for one in said if one is not None]


def test_it_waits_for_the_end_of_a_drivers_rollout(bench: Bench) -> None:
    """Refused by name while that one holds the lease, by its own id too; nothing is kept of the refusal."""
    other = driver(bench, "r1")
    other.claim("8")
    for name in ("fraud-7", "r1"):
        with pytest.raises(Conflict, match="the rollout r1 of fraud is under way"):
            bench.watched.rollouts.open("6", "7", name)
    assert bench.watched.rollouts.all == ()
    assert steps(bench) == ["claimed"]
    other.say(Step.ENDED, "8", "done")
    assert bench.watched.rollouts.open("6", "7", "fraud-7").verdict is Verdict.CONTINUE
    assert holder(bench) == Holder("fraud-7", bench.at + LEASE, hosted=True)


def test_a_driver_waits_for_its_end(bench: Bench) -> None:
    """However long it takes and says nothing new: the lease is renewed; the last word gives it up."""
    keeping = Keeping(bench.watched)
    bench.watched.rollouts.open("6", "7", "fraud-7")
    for _ in range(6):
        bench.now += 190
        bench.heard("pod-1")
        bench.watched.rollouts.turn()
        keeping.bring()
        with pytest.raises(Busy, match="fraud-7 of fraud is under way") as refused:
            driver(bench, "r1").claim("8")
        assert "DELETE /v1/rollouts/fraud-7" in (refused.value.fix or "")
    assert steps(bench).count("claimed") <= 5
    bench.watched.rollouts.close("fraud-7")
    keeping.bring()
    assert holder(bench) is None
    driver(bench, "r1").claim("8")


def test_a_verdict_ends_it(bench: Bench) -> None:
    """The judge's last word is the last record of the rollout, and nobody waits longer."""
    bench.watched.rollouts.open("6", "7", "fraud-7")
    while not bench.minute(bad=(4, 15)).final:
        pass
    record(bench.watched.rollouts, ledger_of(bench), afresh=False)
    assert steps(bench) == ["claimed", "started", "judged"]
    assert holder(bench) is None


def test_the_next_one_need_not_wait_for_the_ledger(bench: Bench) -> None:
    """What has ended here is recorded before the next one asks for its turn."""
    bench.watched.rollouts.open("6", "7", "fraud-7")
    bench.watched.rollouts.close("fraud-7")
    bench.watched.rollouts.open("6", "8", "fraud-8")
    assert steps(bench) == ["claimed", "started", "ended", "claimed"]


def test_a_monitor_that_was_down_goes_on_if_nobody_took_its_turn(bench: Bench) -> None:
    """After a lease without a word the turn is free: it is taken again at the start."""
    bench.watched.rollouts.open("6", "7", "fraud-7")
    bench.now += 3600
    bench.again()
    assert holder(bench) is None
    Keeping(bench.watched).bring()
    assert holder(bench) == Holder("fraud-7", bench.at + LEASE, hosted=True)
    assert steps(bench) == ["claimed", "started", "claimed"]


def test_a_monitor_that_was_down_ends_what_lost_its_turn(bench: Bench) -> None:
    """A driver has begun meanwhile: inconclusive, naming it; the driver keeps its lease."""
    bench.watched.rollouts.open("6", "7", "fraud-7")
    bench.now += 3600
    driver(bench, "r1").claim("8")
    bench.again()
    keeping = Keeping(bench.watched)
    keeping.bring()
    one = bench.watched.rollouts.all[0]
    assert (one.verdict, one.final) == (Verdict.INCONCLUSIVE, True)
    assert one.reasons[0] == "it has lost its turn: the rollout r1 of fraud is under way"
    keeping.bring()
    assert steps(bench)[-1] == "ended"
    assert holder(bench) == Holder("r1", bench.at + LEASE)
