"""Small real packages of every kind of candidate, made as training makes them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from timonel.config import Candidate, Config, parse_config
from timonel.contract import DataContract, FeatureBatch, FeatureReader, infer_contract
from timonel.package import Manifest, Origin, Package, digest_files, seal_package
from timonel_components.conversion.onnx_export import export_onnx
from timonel_components.learning.estimators import build, default_params
from timonel_components.learning.scoring import encode_target, model_input
from timonel_components.learning.skops_io import save_model
from timonel_components.learning.vocabulary import look_at
from timonel_components.tracking.environment import library_versions

TABULAR = """
model: {name: loans, task: %s}
data: {source: none.csv, target: outcome, key: id, time: at, entity: customer%s}
"""
TEXTUAL = """
model: {name: notes, task: text}
data: {source: none.csv, target: outcome, key: id, text: words}
"""


@dataclass(frozen=True)
class Packed:
    """A package with the pipeline and the rows it was made of."""

    package: Package
    pipeline: Any
    table: pa.Table

    @property
    def contract(self) -> DataContract:
        """The package's contract."""
        return self.package.contract

    def batch(self, n: int) -> FeatureBatch:
        """The first rows as the model takes them."""
        return FeatureReader(self.contract).from_table(self.table.slice(0, n))

    def rows(self, n: int) -> list[dict[str, Any]]:
        """The first rows as objects by column name."""
        names = [c.name for c in self.contract.features]
        rows: list[dict[str, Any]] = self.table.select(names).slice(0, n).to_pylist()
        return rows

    @cached_property
    def expected(self) -> Any:
        """What scikit-learn itself says of the table: probabilities."""
        batch = FeatureReader(self.contract).from_table(self.table)
        return self.pipeline.predict_proba(model_input(batch, self.contract))


def loans(rows: int = 600, classes: int = 2, seed: int = 7) -> pa.Table:
    """Numbers, a nullable one, categories, a boolean, and what names a row."""
    rng = np.random.default_rng(seed)
    income, debt = rng.gamma(4, 10, rows), rng.normal(0, 1, rows)
    region = rng.choice(["north", "south", "east"], rows)
    score = income / 40 + debt + (region == "south") + rng.normal(0, 0.5, rows)
    label = np.digitize(score, np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1]))
    age = rng.integers(18, 80, rows).astype(float)
    missing = rng.random(rows) < 0.1
    return pa.table(
        {
            "id": [f"{i:06d}" for i in range(rows)],
            "at": pa.array(np.datetime64("2026-01-01", "s") + np.arange(rows)),
            "customer": rng.integers(0, 50, rows),
            "income": income,
            "region": region,
            "debt": debt,
            "age": pa.array(np.where(missing, None, age), type=pa.float64()),
            "owner": rng.random(rows) < 0.5,
            "outcome": label if classes == 2 else np.array(["low", "mid", "high"])[label],
        }
    )


def notes(rows: int = 200, classes: int = 2, seed: int = 7) -> pa.Table:
    """Texts whose words tell the class."""
    rng = np.random.default_rng(seed)
    topics = np.array(["invoice payment due", "meeting lunch plan", "server outage log"])
    label = rng.integers(0, classes, rows)
    noise = np.array(["the", "of", "and", "to", "in", "it", "is", "on", "as", "at", "by", "we"])
    texts = [f"{topics[k]} {' '.join(rng.choice(noise, 6))}" for k in label]
    names = np.array(["bill", "chat", "ops"])
    return pa.table({"id": range(rows), "words": texts, "outcome": names[label]})


def pack(path: Path, candidate: Candidate, classes: int = 2) -> Packed:
    """Train a candidate on a small table and seal its package."""
    config = _config(candidate, classes)
    table = (notes if _textual(candidate) else loans)(classes=classes)
    contract = infer_contract(table, config)
    batch, y = FeatureReader(contract).from_table(table), encode_target(table, contract)
    params = default_params(candidate)
    params = {**params, "max_iter": 20} if "max_iter" in params else params
    pipeline = build(candidate, contract, params, 0, look_at(batch, y))
    pipeline.fit(model_input(batch, contract), y)
    path.mkdir(parents=True)
    contract.save(path / "contract.json")
    save_model(pipeline, path / "model.skops")
    export = export_onnx(pipeline, contract, batch)
    if export.graph is not None:
        (path / "model.onnx").write_bytes(export.graph)
    pq.write_table(table, path / "reference.parquet")
    manifest = Manifest(
        model=config.model.name,
        task=config.model.task,
        candidate=candidate,
        backend=export.backend,
        threshold=0.4 if len(contract.classes) == 2 else None,
        origin=_origin(),
        files=digest_files(path),
    )
    return Packed(seal_package(path, manifest), pipeline, table)


def _textual(candidate: Candidate) -> bool:
    return candidate.startswith("tfidf")


def _config(candidate: Candidate, classes: int) -> Config:
    if _textual(candidate):
        return parse_config(TEXTUAL)
    return parse_config(
        TABULAR % (("binary", ", positive: 1") if classes == 2 else ("multiclass", ""))
    )


def _origin() -> Origin:
    return Origin(
        data_uri="none",
        data_version=0,
        git_commit=None,
        run_id=None,
        created_at="2026-01-01T00:00:00Z",
        libraries=library_versions(),
    )
