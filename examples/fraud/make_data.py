"""Make data.parquet: four months of simulated card payments, about one in a hundred fraudulent.

Real card payments are not free to publish, so simulation.py invents them; nothing is downloaded.
This script adds what a bank would know at the moment of each payment and writes the table.
Licence: code and data are this project's own (Apache-2.0).

Run (needs numpy and pyarrow): python examples/fraud/make_data.py [PATH]
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.random import Generator
from numpy.typing import NDArray
from simulation import (
    CATEGORIES,
    CHANNELS,
    COUNTRIES,
    CUSTOMERS,
    DAY,
    ONLINE,
    SYSTEMS,
    WARM_UP_DAYS,
    Customers,
    Floats,
    Ints,
    Payments,
    Terminals,
    simulate,
)

SEED = 20250201
START = np.datetime64("2025-02-01T00:00:00", "s") - np.timedelta64(WARM_UP_DAYS, "D")
LABEL_DELAY = 7 * DAY
TIMES = ("timestamp", "label_time")  # the columns that hold an instant
FAR = 10_000 * DAY  # more than any time in the simulation: keeps entities apart in a sorted key


def sums_between(
    entity: Ints, time: Ints, value: Ints, oldest: int, newest: int
) -> tuple[Ints, Ints]:
    """For each payment: count and sum of `value` over its entity's payments in a past window.

    The window holds the payments that are more than `newest` and at most `oldest` seconds older.
    """
    order = np.lexsort((time, entity))
    key = (entity * FAR + time)[order]
    totals = np.concatenate([[0], np.cumsum(value[order])])
    begin = np.searchsorted(key, key - oldest, side="left")
    end = np.searchsorted(key, key - newest, side="left")
    count, total = np.empty_like(key), np.empty_like(key)
    count[order], total[order] = end - begin, totals[end] - totals[begin]
    return count, total


def ratio(part: Floats | Ints, whole: Floats | Ints, digits: int) -> Floats:
    """Part by whole, NaN where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, np.round(part / whole, digits), np.nan)


def customer_history(payments: Payments) -> dict[str, Floats | Ints]:
    """What the bank knows of the customer's earlier payments at the moment of this one."""
    columns: dict[str, Floats | Ints] = {}
    for days in (1, 7, 30):
        count, cents = sums_between(
            payments.customer, payments.time, payments.cents, days * DAY, newest=0
        )
        columns[f"customer_count_{days}d"] = count
        columns[f"customer_mean_amount_{days}d"] = ratio(cents / 100, count, 2)
    mean = columns["customer_mean_amount_30d"]
    columns["amount_to_mean_30d"] = ratio(payments.cents / 100, mean, 3)
    return columns


def terminal_history(payments: Payments) -> dict[str, Floats | Ints]:
    """Labels known of the terminal: 28 days of payments, the last LABEL_DELAY still unlabelled."""
    count, frauds = sums_between(
        payments.terminal,
        payments.time,
        payments.fraud.astype(np.int64),
        28 * DAY + LABEL_DELAY,
        LABEL_DELAY - 1,
    )
    return {"terminal_count_28d": count, "terminal_fraud_rate_28d": ratio(frauds, count, 4)}


def distance_km(
    rng: Generator, customers: Customers, terminals: Terminals, payments: Payments
) -> Floats:
    """From the customer's home to the terminal; NaN online and for 2 % that were not located."""
    apart = customers.place[payments.customer] - terminals.place[payments.terminal]
    unknown = terminals.online[payments.terminal] | (rng.random(len(apart)) < 0.02)
    return np.where(unknown, np.nan, np.hypot(*apart.T).round(1))


def device_system(rng: Generator, payments: Payments) -> NDArray[Any]:
    """The operating system behind an online payment; None in person and for 5 % not reported."""
    usual = rng.choice(len(SYSTEMS), CUSTOMERS, p=[0.46, 0.34, 0.15, 0.05])
    n = len(payments.time)
    other = payments.fraud & (rng.random(n) < 0.4)
    system = np.where(other, rng.integers(0, len(SYSTEMS), n), usual[payments.customer])
    shown = (payments.channel == ONLINE) & (rng.random(n) >= 0.05)
    names: NDArray[Any] = SYSTEMS[system].astype(np.object_)
    names[~shown] = None
    return names


def make_columns(rng: Generator) -> dict[str, NDArray[Any]]:
    """All columns of the table over all simulated days; NaN stands for null."""
    customers, terminals, payments = simulate(rng)
    day, second = np.divmod(payments.time, DAY)
    weekday, hour = (day + 5) % 7, second // 3600
    who, where = payments.customer, payments.terminal
    country = terminals.country[where]
    return {
        "timestamp": START + payments.time.astype("timedelta64[s]"),
        "customer_id": who,
        "terminal_id": where,
        "amount": payments.cents / 100,
        "merchant_category": CATEGORIES[terminals.category[where]],
        "channel": CHANNELS[payments.channel],
        "country": COUNTRIES[country],
        "is_foreign": (country != customers.country[who]).astype(np.int64),
        "distance_km": distance_km(rng, customers, terminals, payments),
        "customer_age": customers.age[who],
        "card_age_days": day - customers.card_issued_day[who],
        "device_system": device_system(rng, payments),
        "hour": hour,
        "weekday": weekday,
        "is_weekend": (weekday >= 5).astype(np.int64),
        "is_night": (hour < 6).astype(np.int64),
        **customer_history(payments),
        **terminal_history(payments),
        "is_fraud": payments.fraud.astype(np.int64),
        "label_time": START + (payments.time + LABEL_DELAY).astype("timedelta64[s]"),
    }


def make_table(seed: int = SEED) -> pa.Table:
    """The table of the example, ordered by time, without the warm-up."""
    columns = make_columns(np.random.default_rng(seed))
    instant = pa.timestamp("us", tz="UTC")
    arrays = {
        name: pa.array(values, from_pandas=True, type=instant if name in TIMES else None)
        for name, values in columns.items()
    }
    first_day = START + np.timedelta64(WARM_UP_DAYS, "D")
    written = pa.table(arrays).slice(np.searchsorted(columns["timestamp"], first_day))
    return written.add_column(0, "transaction_id", pa.array(np.arange(written.num_rows)))


def main() -> None:
    """Write data.parquet beside this script, or the path given."""
    default = Path(__file__).with_name("data.parquet")
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    table = make_table()
    pq.write_table(table, path, compression="zstd", compression_level=19)
    print(f"{table.num_rows} rows -> {path}")


if __name__ == "__main__":
    main()
