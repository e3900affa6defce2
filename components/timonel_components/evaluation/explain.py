"""What the model looks at: how much worse it gets without a feature, and how far a feature moves it.

Permutation importance says what the model's quality rests on; SHAP values say what moves single
predictions. A feature that is high in one and low in the other is worth a look.
"""

import time
from dataclasses import dataclass

import numpy as np
from sklearn.inspection import permutation_importance

from timonel.config import Task
from timonel_components.evaluation.result import Explanation, Importance
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.evaluation.shapley import Effects, effects
from timonel_components.evaluation.words import explain_words
from timonel_components.learning.scoring import model_input
from timonel_components.metrics.figures import metric
from timonel_components.metrics.scored import Floats, Labels, Scored

PERMUTATION_ROWS = 2_000
SHAP_ROWS = 500
REPEATS = 5
BUDGET_SECONDS = 8.0
"""Time for the permutations: a slow model gets fewer rows."""
SHOWN_EFFECTS = 200
"""Rows whose SHAP values are kept for the picture."""


@dataclass(frozen=True)
class Drop:
    """The rise of log loss when one feature is shuffled, over repeats."""

    mean: float
    sd: float


def explain(model: Fitted, sample: Sample, seed: int) -> Explanation:
    """Importances of the features, or of a text's words, the greatest first."""
    if model.contract.task is Task.TEXT:
        return explain_words(model, sample, seed)
    drops, rows = _permuted(model, sample, seed)
    few = _some(sample, SHAP_ROWS)
    found = effects(model, few)
    importances = [
        _importance(j, name, drops[j], found, few, model)
        for j, name in enumerate(model.contract.model_order)
    ]
    return Explanation(
        importances=tuple(sorted(importances, key=lambda i: -i.permutation)),
        method=f"Shuffled {REPEATS} times on {rows:,} rows. {found.method}, on {len(few):,} rows.",
    )


def _importance(
    j: int, name: str, drop: Drop, found: Effects, few: Sample, model: Fitted
) -> Importance:
    shown = slice(0, SHOWN_EFFECTS)
    numeric = j < len(model.contract.numeric)
    levels = _ranks(few.batch.numeric[:, j]) if numeric else np.array([])
    signed = found.signed[shown, j] if found.signed is not None else np.array([])
    return Importance(
        feature=name,
        permutation=drop.mean,
        low=drop.mean - 2 * drop.sd,
        high=drop.mean + 2 * drop.sd,
        shap=float(found.size[j]),
        effects=tuple(float(v) for v in signed.round(5)),
        levels=tuple(float(v) for v in levels[shown].round(3)) if len(signed) else (),
    )


def _permuted(model: Fitted, sample: Sample, seed: int) -> tuple[list[Drop], int]:
    few = _some(sample, _affordable(model, sample))
    found = permutation_importance(
        model.pipeline,
        model_input(few.batch, model.contract),
        few.y,
        scoring=lambda pipeline, x, y: -_log_loss(pipeline, x, y, model),
        n_repeats=REPEATS,
        random_state=seed,
    )
    pairs = zip(found.importances_mean, found.importances_std, strict=True)
    return [Drop(float(mean), float(sd)) for mean, sd in pairs], len(few)


def _log_loss(pipeline: object, x: object, y: Labels, model: Fitted) -> float:
    p = model.aligned(pipeline.predict_proba(x))  # type: ignore[attr-defined]  # a fitted pipeline
    return metric("log_loss").of(Scored(y, p))


def _affordable(model: Fitted, sample: Sample) -> int:
    """Rows that keep within the budget, by the time one scoring takes."""
    rows = min(len(sample), PERMUTATION_ROWS)
    began = time.perf_counter()
    model.probabilities(_some(sample, rows).batch)
    whole = (time.perf_counter() - began) * REPEATS * len(model.contract.features)
    return max(min(rows, 200), int(rows * min(1.0, BUDGET_SECONDS / whole)))


def _some(sample: Sample, rows: int) -> Sample:
    """Rows spread evenly over the sample."""
    return sample.take(np.linspace(0, len(sample) - 1, min(rows, len(sample))).astype(np.int64))


def _ranks(values: Floats) -> Floats:
    """The place of each value among the others, 0 to 1; ties share one, a missing value stays NaN."""
    known, place = np.unique(values[~np.isnan(values)], return_inverse=True)
    ranks = np.full(len(values), 0.5)
    ranks[~np.isnan(values)] = place / max(1, len(known) - 1)
    return ranks
