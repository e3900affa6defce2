"""Exact counts per version, which a release is judged by."""

from collections.abc import Iterator
from typing import Any

import pytest

from timonel_serving.monitor.disk.records import table_bytes
from watching import START, Watching, rows, watching


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    """600 predictions of version 1 over 100 minutes, then 120 of version 2 over 20."""
    with watching(tmp_path_factory.mktemp("watch")) as found:
        found.send("pod-1", 600, table_bytes(rows(0, 600)))
        found.send("pod-1", 720, table_bytes(rows(600, 120, version="2")))
        yield found


def counts(monitor: Watching, **query: Any) -> dict[str, dict[str, Any]]:
    asked = {name: str(value) for name, value in query.items()}
    return {one["version"]: one for one in monitor.get("counts", **asked)["versions"]}


def test_each_version_has_its_own_counts(monitor: Watching) -> None:
    """All that was sent, by version; latency is known of all of it."""
    found = counts(monitor, start=START)
    assert {name: one["n"] for name, one in found.items()} == {"1": 600, "2": 120}
    assert all(sum(one["latency"]) == one["n"] == one["ok"] for one in found.values())
    assert found["2"]["error"] == found["2"]["null"] == found["2"]["slow"] == 0


def test_stretches_that_meet_add_up(monitor: Watching) -> None:
    """[a, b) and [b, c) hold together what [a, c) holds; a version without requests is left out."""
    first = counts(monitor, start=START, end=START + 3000)
    second = counts(monitor, start=START + 3000, end=START + 6600)
    assert first["1"]["n"] + second["1"]["n"] == 600
    assert "2" not in first
    assert second["2"]["n"] == 60


def test_latency_lies_in_its_cells(monitor: Watching) -> None:
    """The cells beyond an edge are the requests that were slower: 20 to 26 ms here."""
    edges = monitor.get("counts", start=str(START))["latency_edges_ms"]
    cells = counts(monitor, start=START)["1"]["latency"]
    assert len(cells) == len(edges) + 1
    used = [i for i, count in enumerate(cells) if count]
    assert edges[used[0] - 1] <= 20 < edges[used[0]]
    assert edges[used[-1] - 1] <= 26 < edges[used[-1]]


def test_what_is_asked_is_read_strictly(monitor: Watching) -> None:
    """A start is needed, and must be a time."""
    assert monitor.get("counts", status=400)["code"] == "bad_query"
    assert monitor.get("counts", status=400, start="soon")["code"] == "bad_input"
