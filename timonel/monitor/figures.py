"""The figures of the reference: what its own rows say of the model's quality."""

from collections import Counter

import numpy as np

from timonel.monitor.model import WatchedModel
from timonel.performance.value import Measured
from timonel.reference import Reference
from timonel.windows.events import Coded, Events
from timonel.windows.layout import Layout
from timonel.windows.state import WindowState


def reference_figures(reference: Reference, model: WatchedModel) -> dict[str, Measured]:
    """The quality metrics of the reference's sample; none where it has no labels or no predictions."""
    sample = reference.sample
    columns = {name: sample[name].combine_chunks() for name in sample.column_names}
    if "label" not in columns or not {"score", "prediction"} & columns.keys():
        return {}
    rows, reasons = sample.num_rows, Counter[str]()
    read = model.outcome.predictions(columns.get("prediction"), columns.get("score"), rows, reasons)
    actual, labelled = model.outcome.actuals(columns["label"], reasons)
    nothing = {"latency_us": np.full(rows, -1), "status": np.zeros(rows, np.int8)}
    read |= {**nothing, "violations": np.zeros(rows, np.int32), "actual": actual}
    events = Events(
        np.zeros(rows, np.int64), Coded(np.zeros(rows, np.int32), ("",)), read, labelled
    )
    packs = [pack for pack in model.packs if pack.quality]
    state = WindowState(Layout.of(packs))
    state.fold(events, packs)
    sums = state.sums(0, 1)
    return {
        name: value
        for pack in packs
        for name, value in pack.metrics(sums, 1.0).items()
        if name.split("[", 1)[0] in pack.quality and value.ok
    }
