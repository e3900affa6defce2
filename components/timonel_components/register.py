"""Registers a package as a version of its model in MLflow, behind the alias `challenger`."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from timonel.errors import BadInput
from timonel.package import Package
from timonel_components.evaluation.gates import GateReport
from timonel_components.evaluation.result import Evaluation
from timonel_components.packaging.mlmodel import write_mlmodel
from timonel_components.tracking.runs import Tracking

CHALLENGER, CHAMPION = "challenger", "champion"
FOLDER = "model"
"""Where the version is among its run's artifacts; the package lies in it."""
DIGEST_TAG = "timonel.package.digest"


@dataclass(frozen=True)
class Registered:
    """A version in the registry."""

    model: str
    version: int
    aliases: tuple[str, ...]


def register(
    package: Package, evaluation: Evaluation, gates: GateReport, tracking: Tracking
) -> Registered:
    """Register a package; the first version of a model becomes its champion too.

    The same package is registered once, however often this is called. Raises `BadInput` for a model
    that failed its gates: nothing is registered then.
    """
    if not gates.passed:
        failed = "; ".join(str(result) for result in gates.failures)
        raise BadInput(f"the model is not registered, it fails its gates: {failed}")
    run_id = package.manifest.origin.run_id
    if run_id is None:
        raise BadInput(f"{package.path}: the package names no MLflow run to register it under")
    name = package.manifest.model
    _ensure_model(name, tracking)
    version = _known_version(package, tracking)
    if version is None:
        _upload(package, tracking.run(run_id))
        version = _create(package, evaluation, gates, run_id, tracking)
    return Registered(name, version, _set_aliases(name, version, tracking))


def _ensure_model(name: str, tracking: Tracking) -> None:
    from mlflow.exceptions import MlflowException

    try:
        tracking.call(
            "create_registered_model", name, description=tracking.config.model.description
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _known_version(package: Package, tracking: Tracking) -> int | None:
    """The version that this very package was registered as before."""
    found = tracking.call(
        "search_model_versions",
        f"name='{package.manifest.model}' and tag.`{DIGEST_TAG}`='{package.digest}'",
    )
    return int(found[0].version) if found else None


def _upload(package: Package, run: Any) -> None:
    run.log_artifacts(package.path, f"{FOLDER}/package")
    with tempfile.TemporaryDirectory() as scratch:
        run.log_artifact(write_mlmodel(package, Path(scratch), run.id), FOLDER)


def _create(
    package: Package, evaluation: Evaluation, gates: GateReport, run_id: str, tracking: Tracking
) -> int:
    artifacts = tracking.call("get_run", run_id).info.artifact_uri
    made = tracking.call(
        "create_model_version",
        package.manifest.model,
        f"{artifacts}/{FOLDER}",
        run_id,
        tags=_tags(package, gates),
        description=_description(evaluation, gates),
    )
    return int(made.version)


def _tags(package: Package, gates: GateReport) -> dict[str, str]:
    origin = package.manifest.origin
    tags = {
        DIGEST_TAG: package.digest,
        "timonel.candidate": package.manifest.candidate,
        "timonel.backend": package.manifest.backend,
        "timonel.data.uri": origin.data_uri,
        "timonel.data.version": str(origin.data_version),
        "timonel.gates": f"{len(gates.results)} of {len(gates.results)} hold",
        "timonel.run": str(origin.run_id),
    }
    return tags | ({"timonel.git.commit": origin.git_commit} if origin.git_commit else {})


def _description(evaluation: Evaluation, gates: GateReport) -> str:
    metric = evaluation.selection_metric
    lines = [
        f"{evaluation.candidate}: {metric} {evaluation.metrics[metric]}"
        f" on {evaluation.rows:,} test rows.",
        *(f"- {result}" for result in gates.results),
    ]
    return "\n".join(lines)[:4900]


def _set_aliases(name: str, version: int, tracking: Tracking) -> tuple[str, ...]:
    """Point the aliases; returns all that the version now bears."""
    known = tracking.call("get_registered_model", name).aliases
    wanted = {CHALLENGER} if CHAMPION in known else {CHALLENGER, CHAMPION}
    for alias in wanted:
        tracking.call("set_registered_model_alias", name, alias, str(version))
    kept = {alias for alias, at in known.items() if str(at) == str(version)}
    return tuple(sorted(wanted | kept))
