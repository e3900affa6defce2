"""Latency and service of a window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pack_sums import sums_of
from timonel.performance.packs.grids import LATENCY_BOUND, LATENCY_CELLS
from timonel.performance.packs.measures import Binned
from timonel.performance.packs.service import ServicePack
from timonel.performance.value import State

PACK = ServicePack(latency_slo_ms=50)
SPAN = 900.0


def _columns(latency_us, status=None, null=None, violations=None):
    n = len(latency_us)
    return {
        "latency_us": np.asarray(latency_us, np.int64),
        "status": np.zeros(n, np.int8) if status is None else np.asarray(status, np.int8),
        "null": np.zeros(n, bool) if null is None else np.asarray(null, bool),
        "violations": np.zeros(n, np.int32) if violations is None else np.asarray(violations),
    }


def _metrics(**columns):
    return PACK.metrics(sums_of(PACK, _columns(**columns)), SPAN)


def test_rates_are_exact_shares() -> None:
    """Every rate is the share of the rows that its definition names, with an interval around it."""
    rng = np.random.default_rng(0)
    status = rng.choice(4, 2000, p=[0.9, 0.05, 0.02, 0.03])
    null = (rng.random(2000) < 0.1) & (status == 0)
    violations = rng.poisson(0.1, 2000)
    latency = rng.integers(1, 200_000, 2000)
    m = _metrics(latency_us=latency, status=status, null=null, violations=violations)
    expected = {
        "error_rate": np.isin(status, [1, 2]).mean(),
        "timeout_rate": (status == 2).mean(),
        "rejected_rate": (status == 3).mean(),
        "null_rate": null.sum() / (status == 0).sum(),
        "violation_rate": (violations > 0).mean(),
        "slow_rate": (latency > 50_000).mean(),
        "throughput_per_s": 2000 / SPAN,
        "mean_latency_ms": latency.mean() / 1000,
    }
    for name, value in expected.items():
        assert float(m[name]) == pytest.approx(value, rel=1e-12), name
        assert m[name].lower < value < m[name].upper, name


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(10, 3000),
    st.floats(0.05, 2.0),
    st.floats(np.log(500), np.log(2e6)),
)
def test_percentiles_are_within_their_bound(seed: int, n: int, spread: float, at: float) -> None:
    """From 100 us to 10 s every percentile is numpy's to 2.5 %, and within the bound that it states."""
    latency = np.random.default_rng(seed).lognormal(at, spread, n).clip(100, 9.9e6).astype(np.int64)
    m = _metrics(latency_us=latency)
    for q in (50, 95, 99):
        found, exact = m[f"p{q}_latency_ms"], np.percentile(latency, q) / 1000
        assert isinstance(found, Binned)
        assert float(found) == pytest.approx(exact, rel=LATENCY_BOUND)
        assert abs(float(found) - exact) <= found.bound + 1e-9
        assert found.lower is None or found.lower <= exact
        assert found.upper is None or found.upper >= exact


def test_a_percentile_that_rows_are_too_few_for_has_no_upper_end() -> None:
    """The 99 % quantile of 50 rows may lie beyond all of them: its interval is open above."""
    p99 = _metrics(latency_us=np.arange(1000, 51_000, 1000))["p99_latency_ms"]
    assert p99.ok
    assert p99.upper is None
    assert p99.lower is not None


def test_extreme_latencies_lose_no_row_and_no_sum() -> None:
    """0, 600 s and a day are counted, the mean stays exact, and the open end has no bound."""
    latency = np.repeat([0, 600_000_000, 86_400_000_000], 10)
    m = _metrics(latency_us=latency)
    assert float(m["mean_latency_ms"]) == pytest.approx(latency.mean() / 1000)
    assert m["p99_latency_ms"].bound is None
    assert float(m["p50_latency_ms"]) == pytest.approx(600_000, rel=0.002)


def test_what_is_not_known_is_no_zero() -> None:
    """An empty window has no data, unknown latency neither, few rows are too few."""
    empty = _metrics(latency_us=[])
    assert {value.state for value in empty.values()} == {State.NO_DATA}
    unknown = _metrics(latency_us=[-1] * 20)
    assert unknown["mean_latency_ms"].state is State.NO_DATA
    assert unknown["slow_rate"].state is State.NO_DATA
    assert unknown["error_rate"] == 0
    few = _metrics(latency_us=[1000] * 9)
    assert few["error_rate"].state is State.TOO_FEW
    assert few["p50_latency_ms"].state is State.TOO_FEW


def test_partly_known_latency_is_told() -> None:
    """The reader learns of how many predictions the latency is known."""
    sums = sums_of(PACK, _columns(latency_us=[-1, 5, 6]))
    assert PACK.warnings(sums) == ["latency is known of 2 of 3 predictions"]
    assert PACK.warnings(sums_of(PACK, _columns(latency_us=[4, 5, 6]))) == []


def test_the_latency_field_stays_small() -> None:
    """The grid from 10 us to 600 s takes fewer than 300 counters."""
    assert LATENCY_CELLS < 300
