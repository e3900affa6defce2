"""A healthy log to inject incidents into: seasons, autocorrelation, entities, late labels, a true score.

The score is the very probability with which each label was drawn, so it is calibrated by construction
and any loss of quality after an incident is the incident's.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.errors import BadInput
from timonel.faults.columns import micros, numbers, plain, probability
from timonel.faults.layout import FloatArray, IntArray, Model
from timonel.faults.window import EPOCH, MICROSECOND

CHANNELS = {"web": (0.55, 0.0), "app": (0.35, -0.3), "phone": (0.1, 0.8)}
COUNTRIES = {
    "ES": (0.4, 0.0),
    "FR": (0.25, 0.2),
    "PT": (0.2, -0.2),
    "DE": (0.1, 0.1),
    "NL": (0.05, 0.6),
}
"""Categories: their share, and what they add to the log-odds."""
MINUTE = 60_000_000
DAY = 1440 * MINUTE
ENTITY, SLOW, SEASON = 0.5, 0.1, 0.1
"""Shares of a numeric feature's variance: fixed by entity, slow wandering, time of day."""
MEMORY_HOURS = 6.0
"""The slow part of a feature forgets with this time constant."""
GRID_MINUTES = 15


@dataclass(frozen=True)
class Score:
    """The probability of the positive class: logistic in the features, from a table of them.

    A missing value and an unseen category add nothing.
    """

    intercept: float
    weights: tuple[tuple[str, float], ...]
    effects: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]

    def __call__(self, table: pa.Table) -> FloatArray:
        """Scores of the rows, each by itself."""
        logit = np.full(table.num_rows, self.intercept)
        for name, weight in self.weights:
            logit += weight * np.nan_to_num(_normal(name, numbers(table, name)))
        for name, effects in self.effects:
            found = pc.index_in(plain(table[name]), pa.array([value for value, _ in effects]))
            place = np.asarray(pc.fill_null(found, len(effects)))
            logit += np.array([*(effect for _, effect in effects), 0.0])[place]
        return probability(logit)


@dataclass(frozen=True, kw_only=True)
class Healthy:
    """A model's healthy weeks. `table(rng)` draws its log, `model` scores it.

    Numeric features are `amount` (log-normal) and f2, f3, ... (normal), categorical ones `channel` and
    `country`; a country belongs to its entity. Rows come in order of event time.
    """

    rows: int = 100_000
    days: float = 28
    numeric: int = 6
    """How many numeric features."""
    entities: int = 2000
    base_rate: float = 0.1
    """Expected share of positives."""
    start: datetime = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
    label_delay: timedelta = timedelta(days=1)
    """Mean of the exponential time from event to label."""

    def __post_init__(self) -> None:
        for name, least in (("rows", 0), ("days", 1 / 24), ("numeric", 1), ("entities", 1)):
            if getattr(self, name) < least:
                raise BadInput(f"{name} is {getattr(self, name)}; expected at least {least:g}")
        if not 0 < self.base_rate < 1:
            raise BadInput(f"base_rate is {self.base_rate}; expected between 0 and 1")
        if self.start.tzinfo is None:
            raise BadInput(f"start is {self.start}; expected a time zone", fix="give tzinfo=UTC")

    @cached_property
    def model(self) -> Model:
        """The true model; it predicts the positive class from twice the base rate on."""
        weights = tuple((name, (-0.7) ** j) for j, name in enumerate(self.numeric_features))
        effects = tuple(
            (name, tuple((value, effect) for value, (_, effect) in kinds.items()))
            for name, kinds in (("channel", CHANNELS), ("country", COUNTRIES))
        )
        spread = float(np.sqrt(sum(weight**2 for _, weight in weights)))
        score = Score(_intercept(self.base_rate, spread), weights, effects)
        return Model(score, min(0.5, 2 * self.base_rate))

    @property
    def numeric_features(self) -> tuple[str, ...]:
        """Names of the numeric features."""
        return ("amount", *(f"f{j + 1}" for j in range(1, self.numeric)))

    def table(self, rng: np.random.Generator) -> pa.Table:
        """The log in the ledger's columns, labels joined (`split_labels` parts them)."""
        times = self._times(rng)
        entity = _active_entities(self.entities, self.rows, rng)
        features = self._features(times, entity, rng)
        score = self.model.score(features)
        arrival = times + (rng.exponential(0.4, self.rows) * 1e6).astype(np.int64)
        columns: dict[str, pa.Array | pa.ChunkedArray] = {
            "prediction_id": _ids("p", np.arange(self.rows), 10),
            "event_time": _timestamps(times),
            "arrival_time": _timestamps(arrival),
            "model": pa.repeat("healthy", self.rows),
            "version": pa.repeat("1", self.rows),
            "entity": _ids("e", entity, 6),
            **{name: features[name] for name in features.column_names},
            "score": pa.array(score),
            "prediction": pa.array((score >= self.model.threshold).astype(np.int64)),
            "latency_ms": pa.array(self._latency(times, rng)),
            "status": pa.repeat(pa.scalar(200, pa.int32()), self.rows),
            **self._labels(times, score, rng),
        }
        return pa.table(columns)

    def _times(self, rng: np.random.Generator) -> IntArray:
        """Sorted instants whose rate follows the time of day and halves at weekends."""
        first = (self.start - EPOCH) // MICROSECOND
        minutes = first + np.arange(round(self.days * 1440), dtype=np.int64) * MINUTE
        weekday = (minutes // DAY + 3) % 7  # 1970 began on a Thursday
        rate = (1 + 0.7 * _time_of_day(minutes)) * np.where(weekday >= 5, 0.5, 1.0)
        counts = rng.multinomial(self.rows, rate / rate.sum())
        return np.sort(np.repeat(minutes, counts) + rng.integers(0, MINUTE, self.rows))

    def _features(self, times: IntArray, entity: IntArray, rng: np.random.Generator) -> pa.Table:
        numeric = {
            name: pa.array(_measured(name, self._wandering(times, entity, rng)))
            for name in self.numeric_features
        }
        countries = _draw(COUNTRIES, self.entities, rng)
        return pa.table(
            {
                **numeric,
                "channel": _draw(CHANNELS, self.rows, rng),
                "country": countries.take(pa.array(entity)),
            }
        )

    def _wandering(self, times: IntArray, entity: IntArray, rng: np.random.Generator) -> FloatArray:
        """Variance 1: by entity, by a slow AR(1) that all share, by time of day, and each row's own."""
        own = 1 - ENTITY - SLOW - SEASON
        steps = ((times - times[:1].sum()) // (GRID_MINUTES * MINUTE)).astype(np.int64)
        slow = _autoregressive(int(steps.max(initial=0)) + 1, rng)
        return np.asarray(
            np.sqrt(ENTITY) * rng.standard_normal(self.entities)[entity]
            + np.sqrt(SLOW) * slow[steps]
            + np.sqrt(2 * SEASON) * _time_of_day(times)
            + np.sqrt(own) * rng.standard_normal(len(times))
        )

    def _latency(self, times: IntArray, rng: np.random.Generator) -> FloatArray:
        """Log-normal around 12 ms, a fifth higher at the busiest hour."""
        busy = 1 + 0.2 * _time_of_day(times)
        return np.asarray(12 * busy * np.exp(0.35 * rng.standard_normal(len(times))))

    def _labels(
        self, times: IntArray, score: FloatArray, rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        delay = rng.exponential(self.label_delay / MICROSECOND, self.rows).astype(np.int64)
        known = times + delay
        return {
            "label": pa.array((rng.random(self.rows) < score).astype(np.int64)),
            "label_event_time": _timestamps(known),
            "label_arrival_time": _timestamps(known + rng.integers(0, 60 * MINUTE, self.rows)),
        }


def labels_arrived(table: pa.Table, by: datetime) -> pa.Table:
    """The log as it was known at an instant: labels that arrived later are missing."""
    arrived = micros(table, "label_arrival_time") <= (by - EPOCH) // MICROSECOND
    for name in ("label", "label_event_time", "label_arrival_time"):
        index = table.schema.get_field_index(name)
        nothing = pa.scalar(None, table.schema.field(index).type)
        table = table.set_column(index, name, pc.if_else(pa.array(arrived), table[name], nothing))
    return table


def _measured(name: str, normal: FloatArray) -> FloatArray:
    return np.asarray(np.exp(3 + normal)) if name == "amount" else normal


def _normal(name: str, measured: FloatArray) -> FloatArray:
    """The inverse of `_measured`; amounts of nothing and less count as the least positive one."""
    if name != "amount":
        return measured
    return np.asarray(np.log(np.maximum(measured, 1e-9)) - 3, dtype=np.float64)


def _time_of_day(instants: IntArray) -> FloatArray:
    """From -1 at 3 h to 1 at 15 h UTC."""
    return np.asarray(np.sin(2 * np.pi * ((instants % DAY) / DAY - 9 / 24)))


def _autoregressive(steps: int, rng: np.random.Generator) -> FloatArray:
    """An AR(1) of variance 1, started in its stationary law."""
    keep = float(np.exp(-GRID_MINUTES / 60 / MEMORY_HOURS))
    values = rng.standard_normal(steps) * np.sqrt(1 - keep**2)
    values[0] /= np.sqrt(1 - keep**2)
    for step in range(1, steps):
        values[step] += keep * values[step - 1]
    return np.asarray(values)


def _active_entities(entities: int, rows: int, rng: np.random.Generator) -> IntArray:
    """An entity for each row; the most active tenth makes half of the rows or so."""
    activity = rng.pareto(1.5, entities) + 0.2
    return rng.choice(entities, rows, p=activity / activity.sum()).astype(np.int64)


def _draw(kinds: dict[str, tuple[float, float]], n: int, rng: np.random.Generator) -> pa.Array:
    names = pa.array(list(kinds))
    return names.take(pa.array(rng.choice(len(kinds), n, p=[part for part, _ in kinds.values()])))


def _intercept(base_rate: float, spread: float) -> float:
    """Such that the mean probability is the base rate: by quadrature over features and categories."""
    nodes = np.linspace(-6, 6, 241)
    density = np.exp(-(nodes**2) / 2)
    cells = list(product(CHANNELS.values(), COUNTRIES.values()))
    shares = np.array([a[0] * b[0] for a, b in cells])
    effects = np.array([a[1] + b[1] for a, b in cells])
    logit = np.add.outer(effects, spread * nodes)
    weights = np.outer(shares, density / density.sum())
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        less = float((weights * probability(logit + middle)).sum()) < base_rate
        low, high = (middle, high) if less else (low, middle)
    return low


def _ids(prefix: str, numbers: IntArray, digits: int) -> pa.Array:
    padded = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(prefix, padded, "")


def _timestamps(instants: IntArray) -> pa.Array:
    return pa.array(instants).cast(pa.timestamp("us", "UTC"))
