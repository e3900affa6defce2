"""Business figures from a table that is appended to: each row once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from timonel.canary import Arm, Block, Moments
from timonel.errors import BadInput
from timonel_pipelines.rollout.evidence.values import Figure, Values, joined

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = """time,version,revenue
2025-12-31T23:59:59Z,1,9
2026-01-01T00:00:10Z,1,5
2026-01-01T00:00:20Z,2,7.5
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """One row is of before."""
    path = tmp_path / "sales.csv"
    path.write_text(ROWS)
    return path


def block(stable: int, canary: int) -> Block:
    return Block(BEGIN, BEGIN + timedelta(minutes=1), Arm(stable), Arm(canary))


def test_a_block_holds_what_came_in_since_the_last(table: Path) -> None:
    """Over the requests of the block: one without a row brought nothing."""
    values = Values(str(table), ("revenue",))
    first, known = joined(block(10, 5), ("1", "2"), {}, values.since(BEGIN, ["1", "2"]))
    assert first.stable.values == {"revenue": Moments(10, 5.0, 25.0)}
    assert first.canary.values == {"revenue": Moments(5, 7.5, 56.25)}
    with table.open("a") as stream:
        stream.write("2026-01-01T00:01:10Z,2,2\n")
    again, _ = joined(block(10, 5), ("1", "2"), known, values.since(BEGIN, ["1", "2"]))
    assert again.stable.values == {"revenue": Moments(10, 0.0, 0.0)}
    assert again.canary.values == {"revenue": Moments(5, 2.0, 4.0)}


def test_figures_wait_for_requests(table: Path) -> None:
    """A version without a request in the block keeps its figures for the next one."""
    now = Values(str(table), ("revenue",)).since(BEGIN, ["1", "2"])
    found, known = joined(block(10, 0), ("1", "2"), {}, now)
    assert found.canary.values == {}
    assert known == {"1": {"revenue": Figure(total=5.0, squares=25.0)}}


def test_a_table_of_no_rows_is_nothing_sold(table: Path) -> None:
    """Before the first sale there is a header alone."""
    table.write_text("time,version,revenue\n")
    assert Values(str(table), ("revenue",)).since(BEGIN, ["1", "2"]) == {}


def test_a_table_that_does_not_tell_is_refused(table: Path) -> None:
    """A missing column or file is an error, not nothing sold."""
    with pytest.raises(BadInput, match="cannot be read"):
        Values(str(table), ("clicks",)).since(BEGIN, ["1"])
    with pytest.raises(BadInput, match="cannot be read"):
        Values(str(table) + ".none", ("revenue",)).since(BEGIN, ["1"])
