"""Incidents of the service: what the model gets, which model it is, how fast it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.diagnosis.cause import Cause
from timonel.errors import BadInput
from timonel.faults.columns import (
    class_index,
    is_numeric,
    log_odds,
    numbers,
    pick,
    place,
    plain,
    present,
    probability,
)
from timonel.faults.grades import BY_SEVERITY, Grades, share
from timonel.faults.incident import Incident
from timonel.faults.layout import BoolArray, FloatArray, Model
from timonel.faults.scoring import score_columns, scores_of, with_scores
from timonel.faults.truth import Change
from timonel.faults.window import Window


@dataclass(frozen=True, kw_only=True)
class ServingSkew(Incident):
    """The model is served other features than those logged: scores do not fit the features beside them.

    The log keeps the right features. What was served is `served(table)`, or by default the columns at a
    constant: the median, or the most frequent value, from before the onset (a feature store that answers
    with its default). `model` scores that.
    """

    name: ClassVar[str] = "serving_skew"
    cause: ClassVar[Cause] = Cause.SERVING_SKEW
    roles: ClassVar[tuple[str, ...]] = ("score",)
    takes: ClassVar[str] = "the columns that are served wrong"
    model: Model | None = None
    """Needed: the model that served."""
    served: Callable[[pa.Table], pa.Table] | None = None
    rate: Annotated[float, share(0.1, 0.5, 1.0, "share of the requests served wrong")] = BY_SEVERITY

    def _check(self, table: pa.Table) -> None:
        super()._check(table)
        if self.model is None:
            raise BadInput(
                "serving_skew: model is missing; without it nobody knows the score of other features",
                fix="give model=Model(score=..., threshold=...)",
            )

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        assert self.model is not None
        rows = pick(window.rows, self.rate, rng)
        wrong = self.served(table) if self.served else self._defaults(table, window)
        scores = scores_of(self.model, wrong, rows)
        changed = with_scores(table, rows, scores, self.model.threshold, self.layout)
        return Change(changed, rows, score_columns(table, self.layout))

    def _defaults(self, table: pa.Table, window: Window) -> pa.Table:
        for name in self.columns:
            known = window.before & present(table, name)
            known = known if known.any() else present(table, name)
            constant = _typical(plain(table[name]).filter(pa.array(known)))
            filled = pa.repeat(constant, table.num_rows)
            table = place(table, name, window.rows, filled)
        return table

    def _what(self) -> str:
        return (
            f"{self.rate:.0%} of the requests were scored with other {' and '.join(self.columns)}"
        )


@dataclass(frozen=True, kw_only=True)
class BadDeploy(Incident):
    """A worse model takes over: another version's scores and predictions on the same rows.

    `model` is the new one. Without it the declared rule stands in: log-odds of the same mean and spread
    whose correlation with the old ones is `agreement`, at the old threshold.
    """

    name: ClassVar[str] = "bad_deploy"
    cause: ClassVar[Cause] = Cause.DEPLOY
    roles: ClassVar[tuple[str, ...]] = ("score",)
    model: Model | None = None
    version: str | None = None
    """The new version. None: the last one plus 1, or with '-next' behind it."""
    traffic: Annotated[float, share(1.0, 1.0, 1.0, "share of the rows that it serves")] = (
        BY_SEVERITY
    )
    agreement: Annotated[
        float,
        share(0.8, 0.5, 0.0, "correlation of new and old log-odds (declared rule only)"),
    ] = BY_SEVERITY

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        rows = pick(window.rows, self.traffic, rng)
        names = score_columns(table, self.layout)
        if self.model:
            scores, threshold = scores_of(self.model, table, rows), self.model.threshold
        else:
            scores, threshold = self._declared(table, rows, rng), self._threshold(table)
        changed = with_scores(table, rows, scores, threshold, self.layout)
        version = self.layout.version
        if version is None or version not in table.column_names:
            return Change(changed, rows, names)
        new = self.version if self.version is not None else _next_version(plain(table[version]))
        changed = self._versioned(changed, version, rows, new)
        return Change(changed, rows, (*names, version), chosen={"version": new})

    def _declared(self, table: pa.Table, rows: BoolArray, rng: np.random.Generator) -> FloatArray:
        logit = log_odds(numbers(table, self.role("score")))
        known = rows & ~np.isnan(logit)
        mean, spread = (logit[known].mean(), logit[known].std()) if known.any() else (0.0, 0.0)
        noise = rng.standard_normal(table.num_rows) * spread
        kept = np.nan_to_num(logit - mean) * self.agreement
        mixed = mean + kept + noise * np.sqrt(1 - self.agreement**2)
        return probability(mixed)

    def _threshold(self, table: pa.Table) -> float:
        """The old model's: the least score of a row that was predicted positive."""
        prediction = self.layout.prediction
        if prediction is None or prediction not in table.column_names:
            return 0.5
        index = class_index(table, prediction, self.layout.classes)
        scores = numbers(table, self.role("score"))[index == len(self.layout.classes) - 1]
        return float(np.nanmin(scores)) if (~np.isnan(scores)).any() else 0.5

    def _versioned(
        self, table: pa.Table, name: str, rows: BoolArray, version: int | str
    ) -> pa.Table:
        kind = plain(table[name]).type
        try:
            value = pa.scalar(version).cast(kind)
        except pa.ArrowInvalid:
            raise BadInput(f"{self.name}: version is {version!r}; {name} holds {kind}") from None
        return place(table, name, rows, pa.repeat(value, table.num_rows))

    def _what(self) -> str:
        return "a new version scores differently" + (
            "" if self.model else f": its log-odds agree with the old ones by {self.agreement:g}"
        )


@dataclass(frozen=True, kw_only=True)
class SlowDependency(Incident):
    """Something that the service calls has become slow: latency rises by a share."""

    name: ClassVar[str] = "slow_dependency"
    cause: ClassVar[Cause] = Cause.INFRASTRUCTURE
    roles: ClassVar[tuple[str, ...]] = ("latency_ms",)
    increase: Annotated[
        float, Grades(0.15, 0.4, 1.5, "every latency rises by this share (.4: +40 %)")
    ] = BY_SEVERITY

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        name = self.role("latency_ms")
        rows = window.rows & present(table, name)
        slow = place(table, name, rows, numbers(table, name) * (1 + self.increase))
        return Change(slow, rows, (name,))

    def _what(self) -> str:
        return f"latency rises by {self.increase:.0%}"


@dataclass(frozen=True, kw_only=True)
class NullPredictions(Incident):
    """The service answers without an answer: score and prediction are missing, the status says success."""

    name: ClassVar[str] = "null_predictions"
    cause: ClassVar[Cause] = Cause.INFRASTRUCTURE
    roles: ClassVar[tuple[str, ...]] = ("prediction",)
    rate: Annotated[float, share(0.01, 0.1, 0.5, "share of the rows without a prediction")] = (
        BY_SEVERITY
    )

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        rows = pick(window.rows, self.rate, rng)
        names = score_columns(table, self.layout)
        for name in names:
            table = place(table, name, rows, pa.nulls(table.num_rows, plain(table[name]).type))
        return Change(table, rows, names)

    def _what(self) -> str:
        return f"{self.rate:.0%} of the rows have no prediction"


def _typical(known: pa.ChunkedArray) -> pa.Scalar:
    """The median of numbers, the most frequent of other values; of none, a missing one."""
    if not len(known):
        return pa.scalar(None, known.type)
    if is_numeric(known.type):
        return known.take(pc.sort_indices(known)[len(known) // 2 : len(known) // 2 + 1])[0]
    counts = known.value_counts().to_pylist()
    value = min(counts, key=lambda c: (-c["counts"], str(c["values"])))["values"]
    return pa.scalar(value, known.type)


def _next_version(versions: pa.ChunkedArray) -> int | str:
    last = pc.max(versions).as_py()
    if last is None:
        return 1 if is_numeric(versions.type) else "1"
    if isinstance(last, int):
        return last + 1
    text = str(last)
    return str(int(text) + 1) if text.isdecimal() else f"{text}-next"
