"""Makes the package of a trained model: everything that is needed to serve it and to watch it."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
from threadpoolctl import threadpool_limits

from timonel.config import Config
from timonel.contract import DataContract
from timonel.files import staged_directory, write_text
from timonel.package import Manifest, Origin, Package, digest_files, open_package, seal_package
from timonel_components.crafts import craft_of
from timonel_components.data.versions import DataVersion
from timonel_components.evaluation.gates import GateReport
from timonel_components.evaluation.result import Evaluation
from timonel_components.packaging.model_card import model_card
from timonel_components.packaging.packed import Packed
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

    Returns the package as `open_package` verifies it.
    """
    craft = craft_of(trained.info.candidate)
    with staged_directory(out_dir) as stage:
        contract.save(stage / "contract.json")
        with threadpool_limits(limits=1):  # more threads than free cores crawl
            packed = craft.pack(
                stage, trained.pipeline, trained.info, evaluation, test, contract, config
            )
        write_text(
            stage / "MODEL_CARD.md",
            model_card(evaluation, gates, contract, config, origin, packed.serving),
        )
        seal_package(stage, _manifest(trained, evaluation, config, origin, packed, stage))
    return open_package(out_dir)


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
    packed: Packed,
    stage: Path,
) -> Manifest:
    return Manifest(
        model=config.model.name,
        task=config.model.task,
        candidate=str(trained.info.candidate),
        backend=packed.backend,
        backend_reason=packed.reason,
        threshold=trained.info.threshold,
        metrics={k: e.value for k, e in evaluation.metrics.items() if e.value is not None},
        origin=made,
        files=digest_files(stage),
    )
