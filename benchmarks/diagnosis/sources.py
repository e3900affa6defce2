"""Four healthy logs to inject into: two simulated of different shape, two of real examples."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier

from timonel.faults import INCIDENTS, Healthy, Model
from timonel.faults.columns import numbers, plain
from timonel.faults.healthy import Score

Log = Callable[[np.random.Generator], pa.Table]
NO_COLUMNS = {"bad_deploy", "prior_shift", "label_delay", "label_noise", "slow_dependency"} | {
    *("null_predictions", "duplicate_rows", "delayed_rows"),
}
EXAMPLES = Path(__file__).parents[2] / "examples"
ROWS = 40_000


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


def rare() -> Source:
    """Three numbers and two categories; 3 % positives."""
    healthy = Healthy(rows=ROWS, numeric=3, base_rate=0.03)
    columns = {
        "": ("amount",),
        "category_rename": ("country",),
        "segment_outage": ("country",),
        "column_swap": ("amount", "f2"),
    }
    return Source("rare", healthy.table, healthy.model, columns)


KINDS = 12


def categories() -> Source:
    """Fourteen categories, two of them the log's own, and two numbers; half are positives."""
    healthy = Healthy(rows=ROWS, numeric=2, base_rate=0.5)
    base = healthy.model.score
    fixed = np.random.default_rng(0)
    names = {f"c{j}": [f"v{i}" for i in range(3 + j % 6)] for j in range(KINDS)}
    effects = {n: fixed.normal(0, 0.5, len(values)) for n, values in names.items()}
    extra = Score(
        0.0,
        (),
        tuple(
            (n, tuple(zip(v, (effects[n] - effects[n].mean()).tolist(), strict=True)))
            for n, v in names.items()
        ),
    )

    def score(table: pa.Table) -> Any:
        odds = [np.log(p / (1 - p)) for p in (base(table), extra(table))]
        return 1 / (1 + np.exp(-odds[0] - odds[1]))

    def log(rng: np.random.Generator) -> pa.Table:
        table = healthy.table(rng)
        for name, values in names.items():
            part = 1 / np.arange(1, len(values) + 1)
            drawn = pa.array(rng.choice(len(values), ROWS, p=part / part.sum()))
            table = table.append_column(name, pa.array(values).take(drawn))
        scores = score(table)
        label = (rng.random(ROWS) < scores).astype(np.int64)
        return _scored(table, scores, 0.5, pa.array(label))

    columns = {
        "": ("amount",),
        "null_burst": ("c3",),
        "stuck_sensor": ("f2",),
        "category_rename": ("c4",),
        "segment_outage": ("c2",),
        "column_swap": ("c4", "c10"),
    }
    return Source("categories", log, Model(score, 0.5), columns)


def accidents() -> Source:
    """Real reports of accidents."""
    numeric = ("start_lat", "start_lng", "distance_mi", "temperature_f", "humidity_pct")
    columns = {
        "": ("start_lng",),
        "unit_change": ("distance_mi",),
        "category_rename": ("season",),
        "segment_outage": ("twilight",),
        "column_swap": ("start_lat", "start_lng"),
    }
    return _real("accidents", "severe", numeric, ("twilight", "season"), columns)


def employment() -> Source:
    """Real answers to a census: who works; one number and seven categories."""
    kinds = ("SCHL", "MAR", "RELP", "DIS", "MIG", "SEX", "RAC1P")
    columns = {
        "": ("AGEP",),
        "category_rename": ("SCHL",),
        "segment_outage": ("SEX",),
        "column_swap": ("MAR", "RELP"),
    }
    return _real("employment", "employed", ("AGEP",), kinds, columns)


def _real(
    name: str,
    label: str,
    numeric: tuple[str, ...],
    kinds: tuple[str, ...],
    columns: dict[str, tuple[str, ...]],
) -> Source:
    """An example scored by boosting learnt on rows that are not in the log.

    The rest is dealt to four weeks at random: what the data did over the years is no incident of the
    suite. Each row comes once, so that nothing can be learnt by heart.
    """
    data = pq.read_table(EXAMPLES / name / "data.parquet")
    drawn = np.random.default_rng(0).permutation(data.num_rows)[: ROWS * 5 // 4]
    data = data.take(pa.array(np.sort(drawn)))
    third = data.num_rows // 3
    score = _boosted(data.slice(0, third), label, numeric, kinds)
    held = data.slice(third)
    threshold = float(np.mean(data[label].to_numpy()[:third]))

    def log(rng: np.random.Generator) -> pa.Table:
        dealt = held.take(pa.array(rng.permutation(held.num_rows)))
        healthy = Healthy(rows=held.num_rows).table(rng)
        ours = Healthy().numeric_features
        table = healthy.drop_columns(["entity", "channel", "country", *ours])
        for feature in (*numeric, *kinds):
            table = table.append_column(feature, dealt[feature])
        return _scored(table, score(table), threshold, dealt[label])

    return Source(name, log, Model(score, threshold), columns)


def _scored(table: pa.Table, scores: Any, threshold: float, label: Any) -> pa.Table:
    fresh = {
        "score": pa.array(scores),
        "prediction": pa.array((scores >= threshold).astype(np.int64)),
        "label": label,
    }
    for name, values in fresh.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table


def _boosted(
    train: pa.Table, label: str, numeric: tuple[str, ...], kinds: tuple[str, ...]
) -> Callable[[pa.Table], Any]:
    known = {name: train[name].unique().drop_null() for name in kinds}

    def matrix(table: pa.Table) -> Any:
        measured = [numbers(table, name) for name in numeric]
        coded = [
            np.asarray(pc.index_in(plain(table[n]), known[n].cast(pa.string())).cast(pa.float64()))
            for n in kinds
        ]
        return np.stack([*measured, *coded], axis=1)

    model = HistGradientBoostingClassifier(max_iter=60, max_depth=4, random_state=0)
    model.fit(matrix(train), train[label].to_numpy())
    return lambda table: np.asarray(model.predict_proba(matrix(table))[:, 1])


SOURCES = {
    "rare": rare,
    "categories": categories,
    "accidents": accidents,
    "employment": employment,
}
