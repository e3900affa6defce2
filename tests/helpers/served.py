"""A trained project whose ledger tells what its champion served, for tests of retraining."""

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from projects import Done, timonel_here
from timonel.config import load_config
from timonel.contract import FeatureReader
from timonel.ledger import Ledger, Place
from timonel.package import Package
from timonel_components.learning.scoring import probabilities
from timonel_components.learning.skops_io import load_model
from timonel_components.registry import resolve

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Project:
    """A trained model, and its folder."""

    config: Path

    @property
    def ledger(self) -> Ledger:
        return Ledger(Place.of(load_config(self.config).ledger, {}))

    @property
    def package(self) -> Package:
        return resolve(load_config(self.config), "champion")[1]

    @property
    def decided(self) -> int:
        """The number of the first decision about a retraining."""
        return next(one.seq for one in self.ledger.decisions() if one.kind == "retraining")

    def retrain(self, *words: str) -> Done:
        return timonel_here("retrain", "-c", self.config, *words)

    def asked(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.retrain("--json", *words).stdout)
        return found


def log(project: Project, rows: pa.Table, version: str = "1", labelled: int | None = None) -> None:
    """Serve rows by the champion, which is that version, and write what was predicted and what came true
    a day later: of all rows, or of so many of the first.
    """
    package = project.package
    batch = FeatureReader(package.contract).from_table(rows)
    model = load_model(package.path / "model.skops")
    score = probabilities(model, batch, package.contract)[:, 1]
    ids = [f"v{version}-{i}" for i in range(rows.num_rows)]
    times = rows["occurred_at"].to_pylist()
    features = {c.name: rows[c.name] for c in package.contract.features}
    said = (score >= package.manifest.threshold).astype(int)
    columns = {
        "prediction_id": ids,
        "event_time": times,
        "arrival_time": times,
        "model": ["accidents"] * len(ids),
        "version": [version] * len(ids),
        "score": score,
        "prediction": [str(v) for v in said],
        **features,
    }
    project.ledger.append("predictions", columns)
    late = [t + DAY for t in times]
    outcomes = [str(v) for v in rows["severe"].to_pylist()]
    told = {"prediction_id": ids, "label": outcomes, "event_time": times, "arrival_time": late}
    project.ledger.append("labels", {name: values[:labelled] for name, values in told.items()})
