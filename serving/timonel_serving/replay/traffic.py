"""Traffic for a drill: real rows that the model was not trained on, at times of a made-up fortnight.

The rows come in a random order, so nothing drifts unless a fault is put in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.errors import BadInput
from timonel.faults import Layout
from timonel.windows.layout import DAY

LAYOUT = Layout(model=None, entity=None, violations=None)
"""The columns of the log that is played."""

SPREAD = 0.3
"""Standard deviation of the logarithm of a latency."""
QUIET_HOUR, SWING = 3.0, 0.4
"""The hour (UTC) with least traffic, and how far it lies below the mean."""


@dataclass(frozen=True)
class Plan:
    """How much traffic, and when."""

    start: datetime
    days: float
    rows: int
    label_delay: timedelta
    """By then all labels have come; half of them after a quarter of it."""

    def __post_init__(self) -> None:
        if self.rows < 1 or self.days <= 0:
            raise BadInput(f"{self.rows} rows in {self.days:g} days, expected more than none")


def draw(examined: pa.Table, plan: Plan, latency_ms: float, rng: np.random.Generator) -> pa.Table:
    """A log of `plan.rows` rows in the order of time, not scored yet.

    Args:
        examined: rows with their features and a `label`; drawn from with replacement.
        plan: how many, and when.
        latency_ms: the median; latencies are log-normal about it, so that a drill can be repeated.
        rng: decides all that is random.
    """
    if "label" not in examined.column_names or not examined.num_rows:
        raise BadInput("the rows to replay have no label, or there are none")
    n = plan.rows
    begin = round(plan.start.timestamp() * 1e6)
    time = begin + _times(plan, rng)
    longest = plan.label_delay / timedelta(microseconds=1)
    delay = np.minimum(rng.exponential(longest / 4 / np.log(2), n), longest).astype(np.int64)
    chosen = examined.take(pa.array(rng.integers(0, examined.num_rows, n)))
    added = {
        "prediction_id": pa.array([f"replay-{begin // 1_000_000}-{i}" for i in range(n)]),
        "event_time": _instants(time),
        "arrival_time": _instants(time),
        "label_event_time": _instants(time),
        "label_arrival_time": _instants(time + delay),
        "latency_ms": pa.array(latency_ms * rng.lognormal(0.0, SPREAD, n)),
    }
    for name, column in added.items():
        chosen = chosen.append_column(name, column)
    return chosen


def _times(plan: Plan, rng: np.random.Generator) -> NDArray[np.int64]:
    """Ascending microseconds since the start, fewer at night."""
    found = np.empty(0)
    while len(found) < plan.rows:
        days = rng.random(2 * plan.rows) * plan.days
        hour = (days + plan.start.hour / 24) % 1 * 24
        wave = 1 - SWING * np.cos((hour - QUIET_HOUR) / 24 * 2 * np.pi)
        found = np.concatenate([found, days[rng.random(len(days)) * (1 + SWING) < wave]])
    return np.sort((found[: plan.rows] * DAY).astype(np.int64))


def _instants(micros: NDArray[np.int64]) -> pa.Array:
    return pa.array(micros, pa.timestamp("us", tz="UTC"))
