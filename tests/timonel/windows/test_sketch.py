"""Heavy hitters: bounds that hold after any updates and merges."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from timonel.windows.sketch import HeavyHitters

BATCHES = st.lists(st.dictionaries(st.sampled_from("abcdefghij"), st.integers(1, 50)), max_size=12)


@given(batches=BATCHES, size=st.integers(1, 5), split=st.integers(0, 12))
def test_bounds_hold_after_any_updates_and_merges(
    batches: list[dict[str, int]], size: int, split: int
) -> None:
    """Each count lies within its bounds, and no name above total / (size + 1) is missed."""
    exact: Counter[str] = Counter()
    parts = HeavyHitters(size), HeavyHitters(size)
    for i, batch in enumerate(batches):
        exact.update(batch)
        parts[i < split].update(batch)
    sketch, other = parts
    sketch.merge(other)
    assert sketch.total == exact.total()
    assert sketch.error <= sketch.total / (size + 1)
    found = {name: (low, high) for name, low, high in sketch.top()}
    assert len(found) <= size
    for name, count in exact.items():
        low, high = found.get(name, (0, sketch.error))
        assert low <= count <= high


def test_the_most_frequent_come_first() -> None:
    """Names are in order of their counts, equal ones in that of the alphabet."""
    sketch = HeavyHitters(5)
    sketch.update({"b": 2, "a": 2, "c": 7})
    assert sketch.top() == [("c", 7, 7), ("a", 2, 2), ("b", 2, 2)]
