"""States travel as Arrow without loss, and damage is noticed."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from small_packs import DAY_SPAN, Cells, Confusion, events
from timonel.errors import Corrupt
from timonel.windows.arrow import from_arrow, to_arrow
from timonel.windows.layout import DAY, Layout
from timonel.windows.state import WindowState, merge

PACKS = (Confusion(), Cells())
LAYOUT = Layout.of(PACKS, slices=("region",), max_versions=2, max_slice_values=2, retention=2 * DAY)


def state(seed: int, rows: int, days: float = 4) -> WindowState:
    rng = np.random.default_rng(seed)
    made = WindowState(LAYOUT)
    if rows:
        made.fold(events(rng, rows, int(days * DAY_SPAN), versions=("v1", "v2", "v3")), PACKS)
    return made


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.sampled_from([0, 1, 50, 5_000]))
def test_a_state_comes_back_whole(seed: int, rows: int) -> None:
    """What comes back is equal, goes on counting as the original does, and knows the same names."""
    whole = state(seed, rows)
    back = from_arrow(to_arrow(whole))
    assert back == whole
    assert back.versions() == whole.versions()
    assert back.largest_others("region") == whole.largest_others("region")
    more = events(np.random.default_rng(seed + 1), 100, 6 * DAY_SPAN)
    for one in (back, whole):
        one.fold(more, PACKS)
    assert back == whole


def test_concatenated_states_come_back_merged() -> None:
    """Rows of several states, as a shuffle leaves them, make their merge."""
    a, b = state(1, 500), state(2, 500, days=1)
    both = pa.Table.from_batches([to_arrow(b), to_arrow(a)])
    assert from_arrow(both) == merge(a, b)


def test_a_saved_state_is_small() -> None:
    """The bytes follow the counters that are not 0, at the width that they need."""
    assert to_arrow(state(1, 100)).nbytes < 60_000


@pytest.mark.parametrize("at", [10, -10, 2_000])
def test_damage_is_noticed(at: int) -> None:
    """One changed byte anywhere is Corrupt."""
    row = to_arrow(state(1, 500)).to_pylist()[0]
    payload = bytearray(row["payload"])
    payload[at] ^= 1
    damaged = pa.Table.from_pylist([row | {"payload": bytes(payload)}])
    with pytest.raises(Corrupt, match="damaged"):
        from_arrow(damaged)


def test_other_tables_are_refused() -> None:
    """Another format, another kind, another table and none at all are Corrupt."""
    row = to_arrow(state(1, 10)).to_pylist()[0]
    with pytest.raises(Corrupt, match="of format 99, expected a window state of format 1"):
        from_arrow(pa.Table.from_pylist([row | {"format": 99}]))
    with pytest.raises(Corrupt, match="without the columns"):
        from_arrow(pa.table({"x": [1]}))
    with pytest.raises(Corrupt, match="no saved state"):
        from_arrow(to_arrow(state(1, 10)).slice(0, 0))
