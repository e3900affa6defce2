"""Makes the package of a trained model: everything that is needed to serve it and to watch it."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
from threadpoolctl import threadpool_limits

from timonel.config import Config
from timonel.contract import DataContract
from timonel.files import staged_directory, write_text
from timonel.package import Manifest, Origin, Package, digest_files, open_package, seal_package
from timonel_components.conversion.onnx_export import OnnxExport, export_onnx
from timonel_components.data.versions import DataVersion
from timonel_components.evaluation.gates import GateReport
from timonel_components.evaluation.result import Evaluation
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.learning.skops_io import save_model
from timonel_components.packaging.model_card import model_card
from timonel_components.packaging.reference import write_reference
from timonel_components.tracking.environment import library_versions
from timonel_components.train import Trained


def package(
    trained: Trained,
    evaluation: Evaluation,
    gates: GateReport,
    test: pa.Table,
    contract: DataContract,
    config: Config,
    origin: Origin,
    out_dir: Path,
) -> Package:
    """Make the package in `out_dir`, whole or not at all.

    A pipeline that ONNX cannot express, or that it expresses wrongly, is packaged with skops alone
    and the manifest says why. Returns the package as `open_package` verifies it.
    """
    sample = Sample.of(test, contract)
    export = _export(trained, evaluation, contract, sample)
    with staged_directory(out_dir) as stage:
        save_model(trained.pipeline, stage / "model.skops")
        if export.graph is not None:
            (stage / "model.onnx").write_bytes(export.graph)
        contract.save(stage / "contract.json")
        model = Fitted(trained.pipeline, contract, trained.info.threshold, config)
        with threadpool_limits(limits=1):  # more threads than free cores crawl
            write_reference(stage, model, sample, evaluation)
        write_text(
            stage / "MODEL_CARD.md", model_card(evaluation, gates, contract, config, origin, export)
        )
        seal_package(stage, _manifest(trained, evaluation, config, origin, export, stage))
    return open_package(out_dir)


def _export(
    trained: Trained, evaluation: Evaluation, contract: DataContract, sample: Sample
) -> OnnxExport:
    """The graph; the examination tried it before, and its refusal stands."""
    if evaluation.backend == "skops":
        return OnnxExport(None, evaluation.backend_reason)
    return export_onnx(trained.pipeline, contract, sample.batch)


def origin(
    data: DataVersion, *, created_at: datetime, git_commit: str | None, run_id: str | None
) -> Origin:
    """Where a model comes from."""
    return Origin(
        data_uri=data.uri,
        data_version=data.version,
        git_commit=git_commit,
        run_id=run_id,
        created_at=created_at.isoformat(timespec="seconds"),
        libraries=library_versions(),
    )


def build_id(made: Origin) -> str:
    """The name of a package's folder: the moment it was made, and the data it was made from."""
    moment = datetime.fromisoformat(made.created_at).strftime("%Y%m%dT%H%M%SZ")
    return f"{moment}-data{made.data_version}"


def _manifest(
    trained: Trained,
    evaluation: Evaluation,
    config: Config,
    made: Origin,
    export: OnnxExport,
    stage: Path,
) -> Manifest:
    return Manifest(
        model=config.model.name,
        task=config.model.task,
        candidate=str(trained.info.candidate),
        backend=export.backend,
        backend_reason=export.reason,
        threshold=trained.info.threshold,
        metrics={k: e.value for k, e in evaluation.metrics.items() if e.value is not None},
        origin=made,
        files=digest_files(stage),
    )
