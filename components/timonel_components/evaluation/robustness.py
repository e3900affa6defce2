"""How the model holds when its rows are spoilt the way real rows are."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from timonel.contract import MISSING, DataContract, FeatureBatch
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.result import Perturbation
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.metrics.figures import metric
from timonel_components.metrics.scored import Scored

NULL_SHARES = (0.05, 0.2)
NOISE_SD = 0.1
LOST_CHARACTERS = 0.05


def robustness(
    model: Fitted, sample: Sample, rows: Scored, bootstrap: Bootstrap
) -> tuple[Perturbation, ...]:
    """The selection metric and log loss on spoilt rows, and their change, row by row paired."""
    names = dict.fromkeys((model.config.selection_metric, "log_loss"))
    metrics = tuple(metric(name) for name in names)
    found = []
    for what, worse in spoilt(sample.batch, model.contract, bootstrap.seed):
        scored = model.scored(worse, sample.y)
        values = bootstrap.estimates(scored, metrics)
        changes = bootstrap.differences(scored, rows, metrics)
        found += [
            Perturbation(name=what, metric=name, value=values[name], change=changes[name])
            for name in names
        ]
    return tuple(found)


def spoilt(
    batch: FeatureBatch, contract: DataContract, seed: int
) -> Iterator[tuple[str, FeatureBatch]]:
    """The rows spoilt in each way; the same seed and columns spoil the same values."""
    rng = np.random.default_rng(seed)
    if any(c.nullable for c in contract.features):
        for share in NULL_SHARES:
            yield f"{share:.0%} of nullable values missing", _nulled(batch, contract, share, rng)
    if any(c.kind == "numeric" for c in contract.features):
        yield f"noise of {NOISE_SD:g} sd on numbers", _noisy(batch, contract, rng)
    if contract.text:
        what = f"{LOST_CHARACTERS:.0%} of characters lost"
        yield what, replace(batch, text=_tattered(batch, rng))


def _nulled(
    batch: FeatureBatch, contract: DataContract, share: float, rng: np.random.Generator
) -> FeatureBatch:
    numeric, categorical, text = batch.numeric.copy(), batch.categorical.copy(), batch.text.copy()
    for j, column in enumerate(contract.numeric):
        if column.nullable:
            numeric[rng.random(len(batch)) < share, j] = np.nan
    for block, columns in ((categorical, contract.categorical), (text, contract.text)):
        for j, column in enumerate(columns):
            if column.nullable:
                block[rng.random(len(batch)) < share, j] = MISSING
    return FeatureBatch(numeric, categorical, text)


def _noisy(batch: FeatureBatch, contract: DataContract, rng: np.random.Generator) -> FeatureBatch:
    numeric = batch.numeric.copy()
    for j, column in enumerate(contract.numeric):
        known = np.isfinite(numeric[:, j])
        if column.kind == "numeric" and known.any():
            sd = numeric[known, j].std(dtype=np.float64)
            numeric[:, j] += (NOISE_SD * sd * rng.standard_normal(len(batch))).astype(np.float32)
    return replace(batch, numeric=numeric)


def _tattered(batch: FeatureBatch, rng: np.random.Generator) -> NDArray[np.object_]:
    text = batch.text.copy()
    for i, j in np.ndindex(text.shape):
        kept = rng.random(len(text[i, j])) >= LOST_CHARACTERS
        text[i, j] = "".join(c for c, keep in zip(text[i, j], kept, strict=True) if keep)
    return text
