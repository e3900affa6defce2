"""Cases of the fault suite: each incident at each severity, on a simulated log and on a real example."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from timonel.diagnosis import Case, Cause
from timonel.faults import INCIDENTS, Healthy, Model, Scenario, Severity, labels_arrived
from timonel.faults.columns import micros
from timonel.faults.window import EPOCH

CLEAN = "none"
Log = Callable[[np.random.Generator], pa.Table]


@dataclass(frozen=True, eq=False)
class Source:
    """A healthy log, its model, and which columns incidents strike."""

    name: str
    log: Log
    model: Model
    columns: dict[str, tuple[str, ...]]
    """By incident; "": any other that takes columns."""

    def arguments(self, incident: str) -> dict[str, Any]:
        """What an incident is given."""
        fields = INCIDENTS[incident].__dataclass_fields__
        given: dict[str, Any] = {}
        if incident not in NO_COLUMNS:
            given["columns"] = self.columns.get(incident, self.columns[""])
        takes_model = "model" in fields and incident != "bad_deploy"
        return given | ({"model": self.model} if takes_model else {})


NO_COLUMNS = {"bad_deploy", "prior_shift", "label_delay", "label_noise", "slow_dependency"} | {
    *("null_predictions", "duplicate_rows", "delayed_rows"),
}


def simulated(rows: int = 100_000) -> Source:
    """Two healthy weeks and two weeks after the onset, of a model that is calibrated by construction."""
    healthy = Healthy(rows=rows, days=28)
    columns = {
        "": ("amount",),
        "category_rename": ("country",),
        "segment_outage": ("country",),
        "column_swap": ("amount", "f2"),
    }
    return Source("simulated", healthy.table, healthy.model, columns)


@dataclass(frozen=True, eq=False)
class Trial:
    """One case and its truth."""

    source: str
    incidents: tuple[str, ...]
    severity: Severity
    mature: bool
    causes: tuple[Cause, ...]
    case: Case


def trial(
    source: Source, incidents: tuple[str, ...], severity: Severity, mature: bool, seed: int
) -> Trial:
    """Draw a log, inject, and cut it at the onset."""
    rng = np.random.default_rng(seed)
    log = source.log(rng)
    half = int(np.sort(micros(log, "event_time"))[log.num_rows // 2])
    onset = EPOCH + timedelta(microseconds=half)
    kinds = [INCIDENTS[name] for name in incidents]
    causes = tuple(kind.cause for kind in kinds)
    if kinds:
        struck = [
            kind(onset=onset, severity=severity, **source.arguments(kind.name)) for kind in kinds
        ]
        log = Scenario(tuple(struck)).apply(log, rng).table
    end = EPOCH + timedelta(microseconds=int(micros(log, "event_time").max()))
    if not mature:
        log = labels_arrived(log, end)
    late = pa.array(micros(log, "event_time") >= half)
    deployed = "bad_deploy" in incidents
    case = Case(
        reference=log.filter(np.logical_not(late)),
        current=log.filter(late),
        replay=None if deployed else source.model.score,
        previous=source.model.score if deployed else None,
        as_of=None if mature else end,
    )
    return Trial(source.name, incidents, severity, mature, causes, case)


def singles(source: Source, seed: int) -> Iterator[Trial]:
    """Every incident alone at every severity, with mature labels and as the log stood at its end."""
    for k, name in enumerate(INCIDENTS):
        for severity in Severity:
            for mature in (True, False):
                yield trial(source, (name,), severity, mature, seed + 7919 * k)
