"""Packs a classifier: the pipeline, its ONNX graph, and the rows it was examined on."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from timonel.config import Config
from timonel.contract import DataContract
from timonel_components.conversion.onnx_export import OnnxExport, export_onnx
from timonel_components.evaluation.result import Evaluation
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.learning.skops_io import save_model
from timonel_components.learning.trained import TrainedInfo
from timonel_components.packaging.packed import Packed
from timonel_components.packaging.reference import write_reference


def pack(
    directory: Path,
    pipeline: Any,
    info: TrainedInfo,
    evaluation: Evaluation,
    test: pa.Table,
    contract: DataContract,
    config: Config,
) -> Packed:
    """Write model.skops, model.onnx, and the reference.

    A pipeline that ONNX cannot express, or that it expresses wrongly, is packed with skops alone.
    """
    sample = Sample.of(test, contract)
    export = _export(pipeline, evaluation, contract, sample)
    save_model(pipeline, directory / "model.skops")
    if export.graph is not None:
        (directory / "model.onnx").write_bytes(export.graph)
    write_reference(
        directory, Fitted(pipeline, contract, info.threshold, config), sample, evaluation
    )
    return Packed(export.backend, _sentence(export), export.reason)


def _export(
    pipeline: Any, evaluation: Evaluation, contract: DataContract, sample: Sample
) -> OnnxExport:
    """The graph; the examination tried it before, and its refusal stands."""
    if evaluation.backend == "skops":
        return OnnxExport(None, evaluation.backend_reason)
    return export_onnx(pipeline, contract, sample.batch)


def _sentence(export: OnnxExport) -> str:
    if export.graph is not None:
        return f"Served by ONNX Runtime. Against scikit-learn: {export.parity}."
    return f"Served by scikit-learn itself (skops): {export.reason}."
