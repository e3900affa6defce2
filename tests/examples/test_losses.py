"""The demo's verdict on an incident: what was not measured is no recovery."""

import sys
from types import ModuleType

import pytest

from scripts import ROOT, script

Figure = tuple[float, float, float, int]
GOOD, BAD = (0.87, 0.86, 0.88, 9000), (0.62, 0.61, 0.63, 9000)
NONE, SOME, MANY = (0.0, 0.0, 0.01, 9000), (0.1, 0.09, 0.11, 9000), (0.4, 0.39, 0.41, 9000)


@pytest.fixture(scope="module")
def losses() -> ModuleType:
    """The module of the demo."""
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        return script("examples/losses.py")
    finally:
        sys.path.pop(0)


@pytest.mark.parametrize(
    ("accuracy", "refused", "said"),
    [
        ((GOOD, BAD, GOOD), (NONE, NONE, NONE), "recovered: accuracy,"),
        ((GOOD, GOOD, GOOD), (NONE, MANY, NONE), "recovered: refused,"),
        ((GOOD, None, GOOD), (NONE, MANY, NONE), "recovered: refused,"),
        ((GOOD, GOOD, GOOD), (NONE, MANY, SOME), "better than with the fault"),
        ((GOOD, BAD, BAD), (NONE, NONE, NONE), "not recovered"),
        ((GOOD, BAD, GOOD), (NONE, NONE, MANY), "better than with the fault"),
        ((GOOD, GOOD, GOOD), (NONE, NONE, NONE), "neither figure got worse"),
        ((GOOD, BAD, None), (NONE, NONE, NONE), "not known"),
    ],
)
def test_only_what_was_measured_is_a_recovery(
    losses: ModuleType,
    accuracy: tuple[Figure | None, ...],
    refused: tuple[Figure | None, ...],
    said: str,
) -> None:
    """A figure that got worse is back where it was, and the other is no worse; else it is not called one."""
    spans = [
        losses.Span({k: v for k, v in (("accuracy", a), ("rejected_rate", r)) if v is not None})
        for a, r in zip(accuracy, refused, strict=True)
    ]
    assert losses.verdict(*spans).startswith(said)
