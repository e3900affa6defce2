"""Models trained on slices of the examples and examined as the pipeline examines them, once a session."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from slices import settings_of, slice_of
from timonel.config import Candidate, Config
from timonel.contract import DataContract, infer_contract
from timonel.package import Package
from timonel_components.data.versions import DataVersion
from timonel_components.evaluate import evaluate
from timonel_components.evaluation.gates import GateReport, judge_gates
from timonel_components.evaluation.result import Evaluation
from timonel_components.package import origin, package
from timonel_components.split import split
from timonel_components.train import Trained, train

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Examined:
    """A trained model and all that was found of it."""

    config: Config
    contract: DataContract
    test: pa.Table
    trained: Trained
    evaluation: Evaluation

    @property
    def gates(self) -> GateReport:
        """The verdict."""
        return judge_gates(self.evaluation, self.config)

    def package(self, out: Path, *, run_id: str | None = None) -> Package:
        """Its package, in `out`."""
        data = DataVersion(uri="memory", version=7, rows=self.contract.rows)
        made = origin(data, created_at=MOMENT, git_commit="0a1b2c", run_id=run_id)
        e = self.evaluation
        return package(
            self.trained, e, self.gates, self.test, self.contract, self.config, made, out
        )


@dataclass(frozen=True)
class Learnt:
    """A trained model with the rows it is to be examined on."""

    config: Config
    contract: DataContract
    test: pa.Table
    trained: Trained


def learn(table: pa.Table, config: Config, candidate: str) -> Learnt:
    """Train a candidate on a table."""
    if config.data.time:
        table = table.sort_by(config.data.time)
    contract, splits = infer_contract(table, config), split(table, config)
    trained = train(splits, contract, config, Candidate(candidate))
    return Learnt(config, contract, splits.test, trained)


def examine(table: pa.Table, config: Config, candidate: str = "boosting") -> Examined:
    """Train a candidate on a table and examine it."""
    made = learn(table, config, candidate)
    found = evaluate(made.trained, made.test, made.contract, config)
    return Examined(config, made.contract, made.test, made.trained, found)


def quick(example: str, **changes: dict[str, Any]) -> Config:
    """An example's settings without search, with few resamples and no gates."""
    changes["train"] = {"trials": 1} | changes.get("train", {})
    changes["evaluation"] = {"bootstrap": 60, "gates": []} | changes.get("evaluation", {})
    return settings_of(example, Path("nowhere"), **changes)


@cache
def examined(example: str = "accidents", candidate: str = "boosting", rows: int = 3000) -> Examined:
    """A model of an example; trained and examined once, however many tests ask."""
    return examine(slice_of(example, rows), quick(example), candidate)


@cache
def learnt(example: str, candidate: str, rows: int = 3000) -> Learnt:
    """A model of an example; trained once, however many tests ask."""
    return learn(slice_of(example, rows), quick(example), candidate)
