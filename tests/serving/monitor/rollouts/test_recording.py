"""Rollouts that are judged here are in the chain of decisions: each step once, whatever fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rolled_out import Bench
from timonel.canary.record.reading import details_of
from timonel.ledger import Ledger
from timonel.ledger import Place as LedgerPlace
from timonel_serving.monitor.rollouts.recording import record
from timonel_serving.monitor.rollouts.story import recorded


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A canary that was judged to its end; nothing is recorded yet."""
    found = Bench(tmp_path / "state", ledger=Ledger(LedgerPlace.of(str(tmp_path / "ledger"), {})))
    found.watched.rollouts.open("6", "7", "fraud-7")
    while not found.minute(bad=(4, 15)).final:
        pass
    yield found
    found.watched.store.close()


def test_each_step_is_recorded_once(bench: Bench) -> None:
    """Also by a monitor that was killed between the record and its note of it; then the chain is whole."""
    ledger = bench.ledger
    assert ledger is not None
    before = bench.watched.rollouts.all[0]
    record(bench.watched.rollouts, ledger, afresh=True)
    assert bench.watched.rollouts.unrecorded == ()
    bench.watched.rollouts._shelf.save(before)  # the note of it was lost
    bench.again()
    assert len(bench.watched.rollouts.unrecorded) == 1
    record(bench.watched.rollouts, ledger, afresh=True)
    steps = [details_of(one) for one in ledger.decisions()]
    assert [one.step for one in steps if one is not None] == ["claimed", "started", "judged"]
    assert ledger.verify().whole
    assert bench.watched.rollouts.unrecorded == ()


def test_the_chain_alone_tells_the_same_story(bench: Bench) -> None:
    """Years later the monitor has forgotten it; verdict, evidence and its course are still there."""
    assert bench.ledger is not None
    record(bench.watched.rollouts, bench.ledger, afresh=False)
    (story,) = recorded("fraud", bench.ledger.decisions())
    assert (story.stable, story.canary, story.verdict, story.final) == ("6", "7", "rollback", True)
    assert story.reasons[0].startswith("errors: the canary is worse")
    assert story.course is not None
    assert story.course["metrics"]["errors"]["e_harm"][-1] > 60
    assert [step.step for step in story.steps] == ["started", "judged"]
