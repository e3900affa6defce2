"""MLmodel: what MLflow's own tools need to show the columns of a model and to load it.

The file points into the package that lies beside it, so nothing is stored twice.
"""

from pathlib import Path
from typing import Any

from timonel.contract import ColumnContract, DataContract
from timonel.package import Package
from timonel.trust import TRUSTED_TYPES


def write_mlmodel(package: Package, directory: Path, run_id: str) -> Path:
    """Write the file; it is to lie next to the folder `package`."""
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec
    from mlflow.types.schema import Array

    contract = package.contract
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(_type(c), c.name, required=not c.nullable) for c in _ordered(contract)
    ]
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec("double", f"probability of {label}") for label in contract.classes
    ]
    if contract.ranking is not None:
        outputs = [ColSpec(Array("string"), contract.target)]
    model = Model(run_id=run_id, signature=ModelSignature(Schema(columns), Schema(outputs)))
    if contract.ranking is not None:
        model.add_flavor("timonel", ranker="package/ranker")
    else:
        _add_sklearn(model, package)
    path = directory / "MLmodel"
    model.save(str(path))
    return path


def _add_sklearn(model: Any, package: Package) -> None:
    model.add_flavor(
        "sklearn",
        pickled_model="package/model.skops",
        serialization_format="skops",
        skops_trusted_types=list(TRUSTED_TYPES),
        sklearn_version=package.manifest.origin.libraries.get("scikit-learn"),
    )


def _ordered(contract: DataContract) -> tuple[ColumnContract, ...]:
    return (*contract.numeric, *contract.categorical, *contract.text)


def _type(column: ColumnContract) -> str:
    return "float" if column.kind in ("numeric", "boolean") else "string"
