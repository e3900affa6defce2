"""The chain of a retraining: what former records mean for the next decision."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from timonel.canary.record.chain import Chain as RolloutChain
from timonel.canary.record.reading import Step as RolloutStep
from timonel.config import Retraining
from timonel.errors import Busy
from timonel.ledger import Ledger, Place
from timonel.retraining import Attempt, Decision, Evidence, Labels, Outcome, Situation, decide
from timonel_pipelines.retraining.record import Chain, attempts

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """An empty ledger."""
    return Chain(Ledger(Place.of(str(tmp_path), {})), "fraud", "3", NOW)


def due() -> Decision:
    """A decision to retrain."""
    loss = Evidence("errors rose")
    asked = Situation(NOW, "fraud", "3", NOW - 90 * DAY, Labels(900, 900), loss=loss)
    return decide(asked, Retraining())


def known(chain: Chain, now: datetime = NOW) -> tuple[Attempt, ...]:
    """What the chain says of former trainings."""
    return attempts(chain.ledger.decisions(), "fraud", now)


def test_a_decision_alone_is_no_attempt(chain: Chain) -> None:
    """It is one once it was started, running until its end is written or a day has gone."""
    decision = due()
    decided = chain.decided(decision, None)
    assert known(chain) == ()
    chain.started(decision, decided)
    assert known(chain) == (Attempt(NOW, Outcome.RUNNING),)
    assert known(chain, NOW + 2 * DAY) == (Attempt(NOW, Outcome.FAILED),)
    chain.ended(decision, Outcome.DONE, "version 4 was registered", version="4")
    assert known(chain) == (Attempt(NOW, Outcome.DONE),)
    assert attempts(chain.ledger.decisions(), "other", NOW) == ()


def test_the_same_decision_is_carried_out_once(chain: Chain) -> None:
    """The second to start is turned away."""
    decision = due()
    decided = chain.decided(decision, None)
    chain.started(decision, decided)
    with pytest.raises(Busy, match=decision.key):
        chain.started(decision, decided)


def test_a_version_that_was_rolled_back_is_a_failed_attempt(chain: Chain) -> None:
    """And while its rollout lasts nothing else starts."""
    decision = due()
    chain.started(decision, chain.decided(decision, None))
    chain.ended(decision, Outcome.DONE, "version 4 was registered", version="4")
    rollout = RolloutChain(chain.ledger, "fraud", "r1", timedelta(minutes=10), lambda: NOW)
    rollout.claim("4")
    assert [a.outcome for a in known(chain)] == [Outcome.DONE, Outcome.RUNNING]
    rollout.say(RolloutStep.ENDED, "4", "withdrawn", verdict="rollback")
    assert known(chain) == (Attempt(NOW, Outcome.FAILED),)
    assert chain.ledger.verify().whole
