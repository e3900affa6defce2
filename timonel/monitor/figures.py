"""The figures of the reference: what its own rows say of the model's quality."""

from collections import Counter

import numpy as np

from timonel.monitor.model import WatchedModel
from timonel.performance.packs.deferred import Layers
from timonel.performance.value import Measured
from timonel.reference import Reference
from timonel.windows.events import Coded, Events
from timonel.windows.layout import Layout
from timonel.windows.ranges import Sums
from timonel.windows.state import WindowState

OF_TRAFFIC = frozenset({"precision_at_k", "cp_at_k"})
"""What depends on how many rows a window has, so that no sample says what to expect."""


def reference_events(reference: Reference, model: WatchedModel) -> Events | None:
    """The reference's sample as events of one instant; None: it has no labels or no predictions."""
    sample = reference.sample
    columns = {name: sample[name].combine_chunks() for name in sample.column_names}
    if "label" not in columns or not {"score", "prediction"} & columns.keys():
        return None
    rows, reasons = sample.num_rows, Counter[str]()
    read = model.outcome.predictions(columns.get("prediction"), columns.get("score"), rows, reasons)
    actual, labelled = model.outcome.actuals(columns["label"], reasons)
    nothing = {"latency_us": np.full(rows, -1), "status": np.zeros(rows, np.int8)}
    read |= {**nothing, "violations": np.zeros(rows, np.int32), "actual": actual}
    return Events(np.zeros(rows, np.int64), Coded(np.zeros(rows, np.int32), ("",)), read, labelled)


def reference_sums(reference: Reference, model: WatchedModel) -> Sums | None:
    """The counters of the reference's sample; None: it has no labels or no predictions."""
    events = reference_events(reference, model)
    if events is None:
        return None
    packs = [pack for pack in model.packs if pack.quality]
    state = WindowState(Layout.of(packs))
    state.fold(events, packs)
    return state.sums(0, 1)


def quality_figures(sums: Sums, model: WatchedModel) -> dict[str, Measured]:
    """The quality metrics that these counters show."""
    found = Layers(*(pack.metrics(sums, 1.0) for pack in model.packs if pack.quality))
    judged = frozenset[str]().union(*(pack.quality for pack in model.packs)) - OF_TRAFFIC
    names = [name for name in found if name.split("[", 1)[0] in judged]
    return {name: found[name] for name in names if found[name].ok}
