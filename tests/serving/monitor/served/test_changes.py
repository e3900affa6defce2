"""What a change of the file is called, and which ones are worth a record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from timonel_serving.monitor.served.changes import MOST_SMALL, Seen, since, summary, worth
from timonel_serving.monitor.served.file import Package, Packages, Serving

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def seen(*found: Serving) -> list[Seen]:
    return [Seen(at=AT + timedelta(minutes=i), what=one) for i, one in enumerate(found)]


def serving(stable: str, canary: str | None = None, weight: int = 0, **more: Any) -> Serving:
    return Serving(stable=stable, canary=canary, weight=weight, **more)


OTHER = Packages(stable=Package(uri="s3://models/6", digest="ff"))


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ([], serving("6"), "version 6 serves"),
        ([serving("6")], serving("6", "7", 5), "canary: version 7 at 5 %"),
        ([serving("6", "7", 5)], serving("6", "7", 25), "canary: version 7 5 -> 25 %"),
        ([serving("6", "7", 5)], serving("6"), "canary: version 7 was withdrawn"),
        (
            [serving("6", "7", 50)],
            serving("7"),
            "stable: version 6 -> 7, the canary was promoted",
        ),
        (
            [serving("6", "7", 50)],
            serving("7", "7", 0),
            "stable: version 6 -> 7, the canary was promoted",
        ),
        ([serving("7", "7", 0)], serving("7"), "canary: its copy of version 7 is gone"),
        ([serving("6"), serving("7")], serving("6"), "stable: version 7 -> 6, rolled back"),
        ([serving("6")], serving("7"), "stable: version 6 -> 7, set"),
        (
            [serving("6")],
            serving("6", package=OTHER),
            "version 6 is served from another package than before",
        ),
        ([serving("6")], serving("6", revision=4), "version 6 goes on serving (Helm revision 4)"),
    ],
)
def test_each_change_has_its_sentence(before: list[Serving], now: Serving, said: str) -> None:
    """A promotion, a rollback, a canary's course and a new package are told from each other."""
    assert summary(seen(*before), now) == said


def test_small_changes_are_bounded_those_of_a_version_are_not() -> None:
    """Weights are recorded up to the bound; a new version always, and the count begins anew."""
    found: list[Seen] = []
    for i in range(3 * MOST_SMALL):
        now = serving("6", "7", i % 100)
        if worth(found, now):
            found = seen(*(one.what for one in found), now)
    assert len(found) == MOST_SMALL + 1
    assert worth(found, serving("7"))
    assert worth([*found, *seen(serving("7"))], serving("7", revision=9))
    assert not worth(seen(serving("7")), serving("7"))


def test_since_when_is_when_the_version_came_not_its_weights() -> None:
    """The stable version's first sight after the one before it."""
    found = seen(serving("6"), serving("7"), serving("7", "8", 5), serving("7", "8", 25))
    assert since(found) == AT + timedelta(minutes=1)
    assert since([]) is None
