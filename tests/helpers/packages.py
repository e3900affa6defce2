"""A small real model, packaged as training packages it: numbers, a nullable one, categories, a boolean."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import skops.io
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from timonel.config import parse_config
from timonel.contract import DataContract, FeatureReader, infer_contract
from timonel.package import Manifest, Origin, Package, digest_files, seal_package

SETTINGS = "model: {{name: loans, task: {task}}}\ndata: {{source: none.csv, target: outcome}}\n"
ORIGIN = Origin(
    data_uri="none",
    data_version=0,
    git_commit=None,
    run_id=None,
    created_at="2026-01-01T00:00:00Z",
    libraries={},
)


@dataclass(frozen=True)
class Built:
    """A package with the estimator and the rows it was made of."""

    package: Package
    pipeline: Pipeline
    table: pa.Table
    contract: DataContract

    @property
    def settings(self) -> str:
        """A timonel.yaml of the model."""
        return SETTINGS.format(task=self.package.manifest.task.value)

    def rows(self, n: int, start: int = 0) -> list[dict[str, Any]]:
        """Some rows as objects by column name, without the target."""
        rows: list[dict[str, Any]] = self.table.drop(["outcome"]).slice(start, n).to_pylist()
        return rows

    def expected(self, rows: list[dict[str, Any]]) -> np.ndarray:
        """What scikit-learn itself says of the rows: probabilities."""
        batch = FeatureReader(self.contract).from_dicts(rows)
        return self.pipeline.predict_proba(pd.DataFrame(batch.by_column(self.contract)))


def make_table(rows: int = 600, classes: int = 2, seed: int = 7) -> pa.Table:
    """Rows with a signal that a model can find."""
    rng = np.random.default_rng(seed)
    income, debt = rng.gamma(4, 10, rows), rng.normal(0, 1, rows)
    region = rng.choice(["north", "south", "east"], rows)
    score = income / 40 + debt + (region == "south") + rng.normal(0, 0.5, rows)
    cuts = np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1])
    label = np.digitize(score, cuts)
    age = rng.integers(18, 80, rows).astype(float)
    missing = rng.random(rows) < 0.1
    missing[0] = True
    return pa.table(
        {
            "income": income,
            "region": region,
            "debt": debt,
            "age": pa.array(np.where(missing, None, age), type=pa.float64()),
            "owner": rng.random(rows) < 0.5,
            "outcome": label if classes == 2 else np.array(["low", "mid", "high"])[label],
        }
    )


def build(
    path: Path, *, task: str = "binary", backend: str = "onnx", drop: tuple[str, ...] = ()
) -> Built:
    """Train, convert and seal a package."""
    classes = 3 if task == "multiclass" else 2
    table = make_table(classes=classes).drop(list(drop))
    config = parse_config(SETTINGS.format(task=task))
    contract = infer_contract(table, config)
    batch = FeatureReader(contract).from_table(table)
    target = [contract.classes.index(v) for v in table["outcome"].to_pylist()]
    pipeline = _pipeline(len(contract.numeric), len(contract.categorical))
    pipeline.fit(pd.DataFrame(batch.by_column(contract)), target)
    path.mkdir(parents=True)
    contract.save(path / "contract.json")
    skops.io.dump(pipeline, path / "model.skops")
    if backend == "onnx":
        (path / "model.onnx").write_bytes(_graph(pipeline, contract))
    manifest = Manifest(
        model=config.model.name,
        task=config.model.task,
        candidate="boosting",
        backend=backend,
        threshold=0.4 if task == "binary" else None,
        origin=ORIGIN,
        files=digest_files(path),
    )
    return Built(seal_package(path, manifest), pipeline, table, contract)


def _pipeline(numbers: int, words: int) -> Pipeline:
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    steps = [("numbers", "passthrough", list(range(numbers)))]
    if words:
        steps.append(("words", encoder, [numbers + i for i in range(words)]))
    boosting = HistGradientBoostingClassifier(max_iter=20, random_state=0)
    return make_pipeline(ColumnTransformer(steps), boosting)


def _graph(pipeline: Pipeline, contract: DataContract) -> bytes:
    inputs = [("numeric", FloatTensorType([None, len(contract.numeric)]))]
    if contract.categorical:
        inputs.append(("categorical", StringTensorType([None, len(contract.categorical)])))
    graph = to_onnx(pipeline, initial_types=inputs, options={"zipmap": False})
    content: bytes = graph.SerializeToString()
    return content
