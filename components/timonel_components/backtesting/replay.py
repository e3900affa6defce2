"""A file of rows and a timonel.yaml, played by a policy."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from timonel.backtest import History, Policy, Report, Rules, backtest
from timonel.backtest.periods import Span
from timonel.backtest.run import Advance
from timonel.config import Config, Task
from timonel.contract import DataContract, infer_contract
from timonel.errors import BadInput
from timonel.tables import read_table
from timonel_components.backtesting.trainer import SettingsTrainer
from timonel_components.data.cleaning import clean
from timonel_components.learning.scoring import encode_target
from timonel_components.train import TrainedInfo, threads

METRIC_NAMES = {"roc_auc": "auc", "macro_f1": "f1"}
"""How a backtest calls a metric of the settings."""
DEFAULT_METRIC = "auc"


@dataclass(frozen=True)
class Wish:
    """How a file is to be played."""

    span: Span
    initial: float
    window: timedelta | None
    metric: str | None
    """None: train.metric where a backtest has it, else auc."""
    search_each: bool


@dataclass(frozen=True)
class Replay:
    """What was played."""

    report: Report
    chosen: TrainedInfo
    """The candidate and the settings that the last search chose."""
    rows: int

    def to_dict(self) -> dict[str, object]:
        """The report, and what was trained: plain JSON values."""
        model = {"candidate": self.chosen.candidate.value, "params": self.chosen.params}
        return {**self.report.to_dict(), "model": model}


def replay(path: Path, config: Config, policy: Policy, wish: Wish, advance: Advance) -> Replay:
    """Play a CSV or Parquet file; raises BadInput for one that cannot be played."""
    if config.model.task is Task.RANKING:
        raise BadInput(
            "model.task is ranking: a backtest plays classifiers",
            fix="use it on a binary, multiclass or text task",
        )
    config = _of_file(config, path)
    table = _cleaned(path, config)
    contract = infer_contract(table, config)
    history = History.of(
        table,
        time=config.data.time,
        label=encode_target(table, contract).astype(np.intp),
        classes=contract.classes,
        delay=config.data.label_delay,
    )
    rules = _rules(config, contract, wish)
    trainer = SettingsTrainer(config, contract.classes, wish.search_each)
    metric = wish.metric or _metric(config, len(contract.classes))
    with threadpool_limits(threads(config)):  # small batches crawl on more threads than CPUs
        report = backtest(history, trainer, policy, rules, metric, advance)
    assert trainer.chosen is not None
    return Replay(report, trainer.chosen, table.num_rows)


def _rules(config: Config, contract: DataContract, wish: Wish) -> Rules:
    return Rules(
        span=wish.span,
        initial=wish.initial,
        window=wish.window,
        most_rows=config.train.max_rows,
        costs=config.costs,
        run_length=config.retraining.run_length,
        features=tuple(c.name for c in contract.features if c.kind != "text"),
        categorical=tuple(c.name for c in contract.categorical),
    )


def _of_file(config: Config, path: Path) -> Config:
    """The settings for this file: messages name it."""
    data = config.data.model_copy(update={"source": str(path)})
    return config.model_copy(update={"data": data})


def _cleaned(path: Path, config: Config) -> pa.Table:
    table = read_table(path)
    if config.data.time is None:
        raise BadInput(
            f"{path}: data.time is not set: a backtest plays rows in the order of time",
            fix=f"let data.time name the time column (columns: {', '.join(table.column_names)})",
        )
    return clean(table, config)


def _metric(config: Config, classes: int) -> str:
    from timonel.backtest.figures import names_for

    wanted = str(config.train.metric)
    known = METRIC_NAMES.get(wanted, wanted)
    return known if known in names_for(classes) else DEFAULT_METRIC
