"""Counters of metric packs, added up row by row: what any state of windows must come to."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from timonel.windows.events import Coded, Events
from timonel.windows.pack import Pack


def events_of(columns: Mapping[str, Any], labelled: Any = None) -> Events:
    """Events of one version at one time; labelled where `labelled`, else where actual is known."""
    n = len(next(iter(columns.values())))
    if labelled is None:
        actual = columns.get("actual")
        labelled = np.zeros(n, bool)
        if actual is not None and n:
            labelled = actual.reshape(n, -1).max(axis=1) >= 0
    code = Coded(np.zeros(n, np.int32), ("",))
    return Events(np.full(n, 60_000_000, np.int64), code, columns, labelled)


def sums_of(pack: Pack, columns: Mapping[str, Any], labelled: Any = None) -> dict[str, Any]:
    """The counters of all fields."""
    events = events_of(columns, labelled)
    sums = {field.name: np.zeros(field.width, np.int64) for field in pack.fields}
    known = events.take(events.labelled)
    for item in [*pack.served(events), *(pack.judged(known) if len(known) else ())]:
        counted = item.at >= 0
        amount = 1 if item.amount is None else item.amount[counted]
        np.add.at(sums[item.field], item.at[counted], amount)
    return sums
