"""Turns a fitted pipeline into an ONNX graph, and proves on rows that both say the same.

The graph takes `numeric` float32 [N, k] and `categorical` string [N, c] (`text` string [N, 1] for a
text task; an input without columns is absent) and gives `probabilities` float32 [N, classes].
"""

import copy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from timonel.contract import DataContract, FeatureBatch
from timonel_components.conversion.probes import probe_rows
from timonel_components.learning.scoring import probabilities

TOLERANCE = 1e-4
"""Greatest difference in probability that passes for float32 arithmetic."""
NOTABLE = 1e-5
"""Differences beyond this are counted."""
OUTPUT = "probabilities"


@dataclass(frozen=True)
class Parity:
    """How the graph compares with the pipeline, row by row."""

    rows: int
    greatest: float
    """Greatest difference in probability."""
    notable: float
    """Share of rows that differ by more than 1e-5."""

    @property
    def holds(self) -> bool:
        """Whether the graph may stand in for the pipeline."""
        return self.greatest <= TOLERANCE

    def __str__(self) -> str:
        return (
            f"greatest difference {self.greatest:.2g} on {self.rows:,} rows,"
            f" {self.notable:.2%} of them beyond {NOTABLE:g}"
        )


@dataclass(frozen=True)
class OnnxExport:
    """The graph, or the reason why there is none."""

    graph: bytes | None
    reason: str | None = None
    parity: Parity | None = None

    @property
    def backend(self) -> Literal["onnx", "skops"]:
        """What can serve the model."""
        return "onnx" if self.graph is not None else "skops"


def export_onnx(pipeline: Any, contract: DataContract, rows: FeatureBatch) -> OnnxExport:
    """Convert a pipeline; where ONNX cannot express it, or says otherwise on rows, say why.

    `rows` are real rows; missing, unseen and extreme values are tried besides them.
    """
    try:
        graph = _convert(pipeline, contract)
        run = onnx_session(graph)
    except Exception as error:  # converters and the runtime raise whatever they like
        return OnnxExport(None, f"ONNX cannot express the pipeline: {_first_line(error)}")
    with threadpool_limits(limits=1):  # more threads than free cores crawl
        parity = _compare(pipeline, run, contract, probe_rows(rows, contract))
    if not parity.holds:
        return OnnxExport(None, f"the ONNX graph predicts otherwise: {parity}", parity)
    return OnnxExport(graph, None, parity)


def onnx_session(graph: bytes) -> onnxruntime.InferenceSession:
    """A session on one thread: small batches lose more by splitting than they gain."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def onnx_inputs(rows: FeatureBatch) -> dict[str, NDArray[Any]]:
    """The graph's inputs for a batch."""
    blocks = {"numeric": rows.numeric, "categorical": rows.categorical, "text": rows.text}
    return {name: block for name, block in blocks.items() if block.shape[1]}


def _convert(fitted: Any, contract: DataContract) -> bytes:
    pipeline = _with_float32_splits(fitted)
    widths = [
        ("numeric", FloatTensorType, len(contract.numeric)),
        ("categorical", StringTensorType, len(contract.categorical)),
        ("text", StringTensorType, len(contract.text)),
    ]
    inputs = [(name, kind([None, width])) for name, kind, width in widths if width]
    options: dict[Any, Any] = {id(pipeline): {"zipmap": False}}
    # the default locale, en_US.UTF-8, is not installed everywhere
    options |= {id(step): {"locale": "C.UTF-8"} for step in _vectorizers(pipeline)}
    graph = convert_sklearn(pipeline, "timonel", inputs, options=options)
    return _without_labels(graph)


def _with_float32_splits(pipeline: Any) -> Any:
    """A copy whose trees split at float32 numbers, each the next one at or below.

    ONNX rounds thresholds to the nearest float32, which may be a value of the data that the split is
    to keep on the other side. Rounded down, every float32 value goes where it went before.
    """
    twin = copy.deepcopy(pipeline)
    for forest in _forests(twin[-1]):
        for tree in (tree for trees in forest._predictors for tree in trees):
            exact = tree.nodes["num_threshold"]
            with np.errstate(over="ignore"):
                near = exact.astype(np.float32)
            below = np.nextafter(near, np.float32(-np.inf))
            tree.nodes["num_threshold"] = np.where(near > exact, below, near)
    return twin


def _forests(estimator: Any) -> list[Any]:
    if isinstance(estimator, CalibratedClassifierCV):
        parts = estimator.calibrated_classifiers_
        return [forest for part in parts for forest in _forests(part.estimator)]
    return [estimator] if isinstance(estimator, HistGradientBoostingClassifier) else []


def _vectorizers(pipeline: Any) -> list[Any]:
    steps = [step for _, step in getattr(pipeline, "steps", [])]
    return [step for step in steps if isinstance(step, TfidfVectorizer)]


def _without_labels(graph: onnx.ModelProto) -> bytes:
    """Drop the label output and whatever only it needs: thresholds are the server's business."""
    shape = next(o for o in graph.graph.output if o.name == OUTPUT)
    kept = select_model_inputs_outputs(graph, [OUTPUT])
    kept.graph.output[0].CopyFrom(shape)
    used = {name for node in kept.graph.node for name in node.input}
    constants = [c for c in kept.graph.initializer if c.name in used]
    del kept.graph.initializer[:]
    kept.graph.initializer.extend(constants)
    onnx.checker.check_model(kept)
    content: bytes = kept.SerializeToString()
    return content


def _compare(pipeline: Any, run: Any, contract: DataContract, rows: FeatureBatch) -> Parity:
    expected = probabilities(pipeline, rows, contract)
    got = run.run([OUTPUT], onnx_inputs(rows))[0]
    if got.shape != expected.shape:
        return Parity(len(rows), 1.0, 1.0)
    gap = np.abs(got - expected).max(axis=1)
    # NaN is a difference too
    gap = np.where(np.isfinite(gap), gap, 1.0)
    return Parity(len(rows), float(gap.max()), float((gap > NOTABLE).mean()))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
