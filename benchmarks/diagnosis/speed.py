"""Seconds of a diagnosis of 14 days of a million rows with 30 features, beside as many before."""

import resource
import time

import numpy as np

from timonel.diagnosis import Case, diagnose
from timonel.faults import Healthy, UnitChange

ROWS = 1_000_000


def speed() -> str:
    """The answer and what it took."""
    healthy = Healthy(rows=2 * ROWS, days=28, numeric=28)
    rng = np.random.default_rng(1)
    incident = UnitChange(columns=("amount",), model=healthy.model)
    log = incident.apply(healthy.table(rng), rng).table
    case = Case(reference=log.slice(0, ROWS), current=log.slice(ROWS), replay=healthy.model.score)
    begun, used = time.perf_counter(), time.process_time()
    found = diagnose(case, seed=1)
    took, used = time.perf_counter() - begun, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"{ROWS:,} rows a side, {len(case.feature_names())} features: {found.cause}, {took:.1f} s"
        f" ({used:.1f} s of a processor), peak memory with the log itself {peak:.1f} GiB"
    )
