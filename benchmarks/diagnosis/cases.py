"""Cases of the fault suite: each incident at each severity, on a simulated log and on a real example."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier

from timonel.diagnosis import Case, Cause
from timonel.faults import INCIDENTS, Healthy, Model, Scenario, Severity, labels_arrived
from timonel.faults.columns import micros, numbers, plain
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


REAL_COLUMNS = ("start_lat", "start_lng", "distance_mi", "temperature_f", "humidity_pct")
REAL_CATEGORIES = ("twilight", "season")
ACCIDENTS = Path(__file__).parents[2] / "examples" / "accidents" / "data.parquet"


def accidents() -> Source:
    """Real reports of accidents, scored by boosting learnt on the first third.

    Rows of the rest are dealt to four weeks at random: what the data did over the years is no incident
    of the suite. Each comes once, so that nothing can be learnt by heart.
    """
    data = pq.read_table(ACCIDENTS)
    third = data.num_rows // 3
    score = _boosted(data.slice(0, third))
    held = data.slice(third)
    threshold = float(np.mean(data["severe"].to_numpy()[:third]))

    def log(rng: np.random.Generator) -> pa.Table:
        rows = held.num_rows
        drawn = held.take(pa.array(rng.permutation(rows)))
        healthy = Healthy(rows=rows, days=28).table(rng)
        features = {name: drawn[name] for name in (*REAL_COLUMNS, *REAL_CATEGORIES)}
        scores = score(pa.table(features))
        parts = ("prediction_id", "event_time", "arrival_time", "model", "version", "latency_ms")
        return pa.table(
            {
                **{name: healthy[name] for name in parts},
                **features,
                "score": pa.array(scores),
                "prediction": pa.array((scores >= threshold).astype(np.int64)),
                "status": healthy["status"],
                "label": drawn["severe"],
                **{n: healthy[n] for n in ("label_event_time", "label_arrival_time")},
            }
        )

    columns = {
        "": ("start_lng",),
        "unit_change": ("distance_mi",),
        "category_rename": ("season",),
        "segment_outage": ("twilight",),
        "column_swap": ("start_lat", "start_lng"),
    }
    return Source("accidents", log, Model(score, threshold), columns)


def _boosted(train: pa.Table) -> Callable[[pa.Table], Any]:
    kinds = {name: train[name].unique().drop_null() for name in REAL_CATEGORIES}

    def matrix(table: pa.Table) -> Any:
        measured = [numbers(table, name) for name in REAL_COLUMNS]
        coded = [
            np.asarray(pc.index_in(plain(table[n]), kinds[n].cast(pa.string())).cast(pa.float64()))
            for n in REAL_CATEGORIES
        ]
        return np.stack([*measured, *coded], axis=1)

    model = HistGradientBoostingClassifier(max_iter=60, max_depth=4, random_state=0)
    model.fit(matrix(train), train["severe"].to_numpy())
    return lambda table: np.asarray(model.predict_proba(matrix(table))[:, 1])


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


def singles(source: Source, seed: int, only: str = "", early: bool = True) -> Iterator[Trial]:
    """Every incident alone at every severity, with mature labels and as the log stood at its end."""
    for k, name in enumerate(INCIDENTS):
        for severity in Severity:
            for mature in (True, False) if early else (True,):
                if only in name:
                    yield trial(source, (name,), severity, mature, seed + 7919 * k)
