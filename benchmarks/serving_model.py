"""The model of the serving benchmark: 24 numbers, 4 categories, 100 boosted trees.

The same fitted pipeline is written twice: as joblib for KServe's sklearn server, as a Timonel package.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from timonel.config import parse_config
from timonel.contract import infer_contract
from timonel.package import Manifest, Origin, digest_files, seal_package

NAME = "bench"
NUMBERS, WORDS = 24, 4
SETTINGS = f"model: {{name: {NAME}}}\ndata: {{source: none.csv, target: y}}\n"
ORIGIN = Origin(
    data_uri="generated",
    data_version=0,
    git_commit=None,
    run_id=None,
    created_at="2026-01-01T00:00:00Z",
    libraries={},
)


@dataclass(frozen=True)
class Built:
    """Where the model lies, in both forms, and rows to ask it about."""

    joblib: Path
    package: Path
    rows: pd.DataFrame


def build(directory: Path, seed: int = 0) -> Built:
    """Train on generated rows and write both forms."""
    frame, y = _rows(20_000, seed)
    pipeline = _pipeline().fit(frame, y)
    saved = directory / "model.joblib"
    joblib.dump(pipeline, saved)
    package = _package(directory / "package", pipeline, frame, y)
    return Built(saved, package, frame)


def body(frame: pd.DataFrame) -> bytes:
    """A V2 request in JSON: one tensor a column. The parameter is for KServe's server."""
    n = len(frame)
    inputs: list[dict[str, Any]] = [
        {
            "name": name,
            "shape": [n],
            "datatype": "FP64" if name.startswith("n") else "BYTES",
            "data": frame[name].tolist(),
        }
        for name in frame.columns
    ]
    return orjson.dumps({"inputs": inputs, "parameters": {"content_type": "pd"}})


def _rows(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n, NUMBERS)).round(6)
    words = rng.choice(np.array([f"value-{i}" for i in range(8)]), size=(n, WORDS))
    columns: dict[str, Any] = {f"n{i}": numbers[:, i] for i in range(NUMBERS)}
    columns |= {f"c{i}": words[:, i].astype(object) for i in range(WORDS)}
    signal = numbers[:, :6].sum(axis=1) + (words[:, 0] == "value-3") * 2
    return pd.DataFrame(columns), (signal + rng.normal(size=n) > 1).astype(int)


def _pipeline() -> Any:
    numbers, words = list(range(NUMBERS)), [NUMBERS + i for i in range(WORDS)]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("n", StandardScaler(), numbers), ("c", encoder, words)])
    return make_pipeline(columns, HistGradientBoostingClassifier(max_iter=100, random_state=0))


def _package(path: Path, pipeline: Any, frame: pd.DataFrame, y: Any) -> Path:
    path.mkdir()
    table = pa.Table.from_pandas(frame.assign(y=y), preserve_index=False)
    config = parse_config(SETTINGS)
    infer_contract(table, config).save(path / "contract.json")
    inputs = [
        ("numeric", FloatTensorType([None, NUMBERS])),
        ("categorical", StringTensorType([None, WORDS])),
    ]
    graph = to_onnx(pipeline, initial_types=inputs, options={"zipmap": False})
    (path / "model.onnx").write_bytes(graph.SerializeToString())
    manifest = Manifest(
        model=NAME,
        task=config.model.task,
        candidate="boosting",
        backend="onnx",
        threshold=0.5,
        origin=ORIGIN,
        files=digest_files(path),
    )
    return seal_package(path, manifest).path
