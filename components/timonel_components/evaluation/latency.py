"""How long a prediction takes in the backend that will serve the model, without the network."""

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from timonel.contract import FeatureBatch
from timonel_components.conversion.onnx_export import OUTPUT, OnnxExport, onnx_inputs, onnx_session
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.result import Latency
from timonel_components.evaluation.sample import Fitted
from timonel_components.metrics.scored import Floats

SIZES = (1, 256)
WARM_UP = 5
CALLS = 300
BUDGET_SECONDS = 2.0
"""Time spent on each size at most."""

Predict = Callable[[Any], Any]


class Sliceable(Protocol):
    """Rows that can be taken in stretches."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> Any: ...


def latency(
    model: Fitted, export: OnnxExport, batch: FeatureBatch, bootstrap: Bootstrap
) -> tuple[Latency, ...]:
    """p50 and p95 of single rows and of batches, with intervals."""
    predict = predictor(model, export.graph)
    sizes = sorted({min(size, len(batch)) for size in SIZES})
    return tuple(measure(predict, export.backend, batch, size, bootstrap) for size in sizes)


def predictor(model: Fitted, graph: bytes | None) -> Predict:
    """What the backend does with rows."""
    if graph is None:
        return model.probabilities
    session = onnx_session(graph)
    return lambda rows: session.run([OUTPUT], onnx_inputs(rows))


def measure(
    predict: Predict, backend: str, batch: Sliceable, size: int, bootstrap: Bootstrap
) -> Latency:
    """p50 and p95 of calls with `size` rows each, taken from all of the batch."""
    taken = _timings(predict, batch, size)
    rng = np.random.default_rng(bootstrap.seed)
    again = taken[rng.integers(len(taken), size=(bootstrap.resamples, len(taken)))]
    p50, p95 = (
        bootstrap.interval(float(np.quantile(taken, q)), np.quantile(again, q, axis=1))
        for q in (0.5, 0.95)
    )
    return Latency(backend=backend, rows=size, calls=len(taken), p50_ms=p50, p95_ms=p95)


def side_by_side(
    ours: tuple[Predict, Sliceable], theirs: tuple[Predict, Sliceable]
) -> tuple[Floats, Floats]:
    """Milliseconds of single-row calls of two models in turn: what slows the machine slows both."""
    n = min(len(ours[1]), len(theirs[1]))
    taken: list[tuple[float, float]] = []
    end = time.perf_counter() + BUDGET_SECONDS
    for call, row in enumerate(np.linspace(0, n - 1, WARM_UP + CALLS).astype(int)):
        rows = slice(row, row + 1)
        pair = _timed(ours[0], ours[1][rows]), _timed(theirs[0], theirs[1][rows])
        taken += [pair] if call >= WARM_UP else []
        if time.perf_counter() > end and taken:
            break
    new, old = np.array(taken).T
    return new, old


def _timed(predict: Predict, rows: Any) -> float:
    began = time.perf_counter()
    predict(rows)
    return 1e3 * (time.perf_counter() - began)


def _timings(predict: Predict, batch: Sliceable, size: int) -> Floats:
    """Milliseconds of each call, over rows from all of the batch."""
    starts = np.linspace(0, len(batch) - size, WARM_UP + CALLS).astype(int)
    taken: list[float] = []
    end = time.perf_counter() + BUDGET_SECONDS
    for call, start in enumerate(starts):
        rows = batch[slice(start, start + size)]
        began = time.perf_counter()
        predict(rows)
        finished = time.perf_counter()
        if call >= WARM_UP:
            taken.append(1e3 * (finished - began))
        if finished > end and taken:
            break
    return np.array(taken)
