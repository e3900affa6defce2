"""A model trained on real rows by the project's own commands, and its service, whose log goes to a ledger."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pyarrow import parquet

from timonel.config import Config, load_config
from timonel.contract import FeatureReader
from timonel.faults import Healthy, Model, split_labels
from timonel.faults.healthy import FloatArray
from timonel.ledger import Ledger, Place
from timonel.package import Package
from timonel_components.learning.scoring import probabilities
from timonel_components.learning.skops_io import load_model
from timonel_components.register import CHAMPION
from timonel_components.registry import resolve
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.rollout.promotion.aliases import LAST_KNOWN_GOOD, Aliases

EXAMPLE = Path(__file__).parents[2] / "examples" / "accidents"
TIMONEL = Path(sys.executable).parent / "timonel"
DAY = timedelta(days=1)
SERVED = datetime(2024, 1, 1, tzinfo=UTC)
TRAINED_ROWS, ROWS, DAYS = 14_000, 36_000, 80
TARGET, TIME, KEY = "severe", "occurred_at", "accident_id"
UNUSED = ("entity", "channel", "country")
SETTINGS: dict[str, dict[str, Any]] = {
    "train": {"candidates": ["logistic"], "trials": 1},
    "evaluation": {"bootstrap": 50, "gates": [{"metric": "roc_auc", "at_least": 0.1}]},
    "data": {"label_delay": "1d", "time_order": "sort"},
    "retraining": {"cooldown": "2d"},
}


@dataclass(frozen=True)
class Scorer:
    """A version of the model."""

    version: str
    package: Package

    @cached_property
    def _model(self) -> Any:
        return load_model(self.package.path / "model.skops")

    @property
    def threshold(self) -> float:
        """From which score on the positive class is predicted."""
        return float(self.package.manifest.threshold or 0.5)

    def score(self, rows: pa.Table) -> FloatArray:
        """The probability of the positive class of each row."""
        batch = FeatureReader(self.package.contract).from_table(rows)
        found: FloatArray = probabilities(self._model, batch, self.package.contract)[:, 1]
        return found

    def serve(self, rows: pa.Table) -> pa.Table:
        """The rows with what this version answers to them."""
        score = self.score(rows)
        answers = {
            "score": pa.array(score),
            "prediction": pa.array((score >= self.threshold).astype(np.int64)),
            "version": pa.repeat(self.version, rows.num_rows),
        }
        for name, values in answers.items():
            rows = rows.set_column(rows.column_names.index(name), name, values)
        return rows


@dataclass(frozen=True)
class World:
    """A trained project. Real rows are dealt to its days at random: only an incident changes anything."""

    folder: Path
    config: Path

    @classmethod
    def made(cls, folder: Path) -> "World":
        """Train version 1, and a version 2 that learnt from wrong labels; 1 is the champion."""
        settings = yaml.safe_load((EXAMPLE / "timonel.yaml").read_text())
        for section, keys in SETTINGS.items():
            settings[section] = settings.get(section, {}) | keys
        found = cls(folder, folder / "timonel.yaml")
        found.config.write_text(yaml.safe_dump(settings))
        learnt = _dealt()[0]
        for label in (learnt[TARGET], _spoilt(learnt)):
            _write(folder, learnt.set_column(learnt.column_names.index(TARGET), TARGET, label))
            command = [TIMONEL, "train", "-c", found.config, "-q"]
            subprocess.run(command, check=True, capture_output=True)
        _write(folder, learnt)
        found.reset()
        return found

    def reset(self) -> None:
        """Version 1 is the champion, as before any incident."""
        aliases = self.aliases
        aliases.pin(CHAMPION, "1")
        aliases.pin(LAST_KNOWN_GOOD, "1")

    @property
    def aliases(self) -> Aliases:
        """The aliases of the registry."""
        config = load_config(self.config)
        return Aliases(Tracking(config), config.model.name)

    def scorer(self, version: str = CHAMPION) -> Scorer:
        """A version by its number or alias."""
        number, package = resolve(load_config(self.config), version)
        return Scorer(str(number), package)

    @contextmanager
    def site(self, name: str) -> Iterator["Service"]:
        """The same registry with rows and a ledger of its own; the champion goes back to 1 afterwards."""
        settings = yaml.safe_load(self.config.read_text())
        settings["data"]["source"] = f"{name}.parquet"
        ledger = str(self.folder / f"ledger-{name}")
        settings["storage"] = (settings.get("storage") or {}) | {"ledger": ledger}
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(settings))
        try:
            yield Service(path, self.folder / f"{name}.parquet")
        finally:
            self.reset()


@dataclass(frozen=True)
class Service:
    """What serves one model: its log goes to the ledger, and to the table that is trained from."""

    path: Path
    source: Path

    @cached_property
    def config(self) -> Config:
        """Its settings."""
        return load_config(self.path)

    @cached_property
    def ledger(self) -> Ledger:
        """Where its log goes."""
        return Ledger(Place.of(self.config.ledger, {}))

    def log(self, served: pa.Table) -> None:
        """Write answers and labels, and the rows as a warehouse would keep them."""
        log = split_labels(served)
        text = log.predictions["prediction"].cast(pa.string())
        answers = log.predictions
        answers = answers.set_column(answers.column_names.index("prediction"), "prediction", text)
        self.ledger.append("predictions", answers)
        labels = log.labels
        at = labels.column_names.index("label")
        self.ledger.append("labels", labels.set_column(at, "label", labels["label"].cast("string")))
        before = parquet.read_table(self.source) if self.source.exists() else _dealt()[0]
        fresh = served.filter(pc.is_valid(served["label"]))
        columns = {name: fresh[name] for name in before.column_names if name in fresh.column_names}
        columns |= {TARGET: fresh["label"], TIME: fresh["event_time"]}
        columns[KEY] = pa.array(np.arange(fresh.num_rows) + before.num_rows + 1_000_000)
        more = pa.table({name: columns[name] for name in before.column_names}).cast(before.schema)
        parquet.write_table(pa.concat_tables([before, more]), self.source)


def traffic(seed: int) -> pa.Table:
    """80 days of real rows in the columns of a log, not scored yet."""
    rows = _dealt()[1]
    rng = np.random.default_rng(seed)
    rows = rows.take(pa.array(rng.permutation(rows.num_rows)))
    log = Healthy(rows=rows.num_rows, days=DAYS, start=SERVED).table(rng)
    log = log.drop_columns([*UNUSED, *Healthy().numeric_features])
    for name in rows.column_names:
        if name not in (TARGET, TIME, KEY):
            log = log.append_column(name, rows[name])
    log = log.set_column(log.column_names.index("model"), "model", pa.repeat("accidents", len(log)))
    return log.set_column(log.column_names.index("label"), "label", rows[TARGET])


def model_of(scorer: Scorer) -> Model:
    """As incidents take it."""
    return Model(scorer.score, scorer.threshold)


def _dealt() -> tuple[pa.Table, pa.Table]:
    """Rows to learn from, evenly over the 60 days before the service, and others to serve."""
    rows = parquet.read_table(EXAMPLE / "data.parquet")
    rows = rows.take(pa.array(np.random.default_rng(0).permutation(rows.num_rows)))
    learnt, rest = rows.slice(0, TRAINED_ROWS), rows.slice(TRAINED_ROWS, ROWS)
    step = 60 * DAY / TRAINED_ROWS
    times = [SERVED - 60 * DAY + i * step for i in range(TRAINED_ROWS)]
    at = learnt.column_names.index(TIME)
    return learnt.set_column(at, TIME, pa.array(times, pa.timestamp("us", "UTC"))), rest


def _spoilt(rows: pa.Table) -> pa.Array:
    """Labels the other way round in the south."""
    south = rows["start_lat"].to_numpy() < np.median(rows["start_lat"].to_numpy())
    label = rows[TARGET].to_numpy()
    return pa.array(np.where(south, 1 - label, label))


def _write(folder: Path, rows: pa.Table) -> None:
    parquet.write_table(rows, folder / "data.parquet")
