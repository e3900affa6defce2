"""The queue in front of Alibi Detect: bounded, and cut into windows."""

import threading
import time

import pyarrow as pa

from timonel_serving.detector.alibi.windows import Windows


def batch(first: int, rows: int) -> pa.Table:
    return pa.table({"x": list(range(first, first + rows))})


def rows_of(window: list[pa.Table] | None) -> list[int]:
    return pa.concat_tables(window)["x"].to_pylist() if window else []


def test_windows_have_exactly_their_size_and_every_row_once() -> None:
    """Batches of any size come out in order, cut at the window's size; a rest waits."""
    windows = Windows(100, None)
    for first, rows in ((0, 40), (40, 230), (270, 20)):
        assert windows.put(batch(first, rows))
    assert rows_of(windows.next(0)) == list(range(100))
    assert rows_of(windows.next(0)) == list(range(100, 200))
    assert windows.next(0) == []
    windows.put(batch(290, 10))
    assert rows_of(windows.next(0)) == list(range(200, 300))


def test_what_has_no_room_is_refused_and_room_comes_back() -> None:
    """Bytes are bounded; what was taken frees its place."""
    windows = Windows(100, None, most_bytes=8 * 250)
    assert windows.put(batch(0, 240))
    assert not windows.put(batch(240, 20))
    assert len(rows_of(windows.next(0))) == 100
    assert windows.put(batch(240, 20))


def test_wide_rows_that_never_fill_a_window_are_judged_all_the_same() -> None:
    """Where the bound is nearer than the window's size, a smaller window is judged instead of none."""
    windows = Windows(1000, None, most_bytes=8 * 100)
    windows.put(batch(0, 60))
    assert len(rows_of(windows.next(0))) == 60


def test_a_small_window_is_judged_once_its_time_is_up_but_not_below_thirty_rows() -> None:
    """`every` counts from the window's first row; 29 rows wait on."""
    windows = Windows(1000, 0.05)
    windows.put(batch(0, 29))
    assert windows.next(0.1) == []
    windows.put(batch(29, 1))
    assert len(rows_of(windows.next(1))) == 30


def test_the_end_frees_who_waits() -> None:
    """`close` wakes the taking thread at once, and nothing is taken afterwards."""
    windows = Windows(100, None)
    threading.Timer(0.05, windows.close).start()
    start = time.monotonic()
    assert windows.next(30) is None
    assert time.monotonic() - start < 5
    assert not windows.put(batch(0, 1))
