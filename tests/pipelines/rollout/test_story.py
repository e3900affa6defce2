"""`timonel rollout status` says what a rollout waits for."""

from datetime import UTC, datetime, timedelta

import pytest

from timonel.config.releasing import Release
from timonel_pipelines.rollout.record.state import Phase, State
from timonel_pipelines.rollout.record.story import story
from timonel_pipelines.rollout.route.stand import Version

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def state(phase: Phase) -> State:
    one = Version(number="6", digest="0", package="p", data="t@1")
    two = one.model_copy(update={"number": "7"})
    at = {"weight_since": NOON, "counted_from": NOON, "block_end": NOON, "released": NOON}
    return State(
        id="a", model="m", champion=one, challenger=two, requests_per_block=1, phase=phase, **at
    )


@pytest.mark.parametrize(
    ("phase", "says"),
    [
        (Phase.RUNNING, "for evidence"),
        (Phase.APPROVAL, "for timonel rollout approve, until 2026-01-01 16:00:00 UTC"),
        (
            Phase.HOLDING,
            "version 6 stays warm until 2026-01-01 12:15:00 UTC; timonel rollout abort",
        ),
    ],
)
def test_it_says_what_it_waits_for(phase: Phase, says: str) -> None:
    """And until when."""
    release = Release(approval_within=timedelta(hours=4))
    assert says in story(state(phase), release, True, ["errors: not yet shown"])


def test_it_says_that_nobody_drives_it() -> None:
    """With the command that does; not of one that has ended."""
    assert "start --resume" in story(state(Phase.RUNNING), Release(), False, ())
    assert "waits" not in story(state(Phase.ENDED), Release(), False, ())
