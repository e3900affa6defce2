"""A project of its own for an incident: what is retrained must not change the example's own model."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pyarrow import parquet

from timonel.config import Config, load_config
from timonel.ledger import Ledger, Place
from timonel.tables import read_table
from timonel_components.register import CHAMPION
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.rollout.promotion.aliases import LAST_KNOWN_GOOD, Aliases

LABEL_DELAY = "1d"
QUICK = {
    "train": {"candidates": ["boosting"], "trials": 2},
    "evaluation": {"bootstrap": 100},
    "retraining": {"cooldown": "1d"},
    "monitoring": {
        "monitor": {"judge_every": "2s"},
        "detector": {"hand_over_every": "1s", "commit_every": "2s"},
    },
}
"""One small candidate, and online parts that do not take their time."""


@dataclass(frozen=True)
class Project:
    """Its settings, and the table that it is trained from."""

    settings: Path
    source: Path

    @property
    def config(self) -> Config:
        """As Timonel reads it."""
        return load_config(self.settings)

    def learn(self, since: datetime, until: datetime) -> int:
        """Add what was logged and labelled by `until` to the table to train from, as a warehouse would."""
        config = self.config
        ledger, data = Ledger(Place.of(config.ledger, {})), config.data
        span = ledger.read_log(since, until, model=config.model.name, as_of=until)
        log = pa.concat_tables(map(_table, span), promote_options="default")
        log = log.filter(pc.is_valid(log["label"]))
        before = read_table(self.source)
        told = {data.target: log["label"], data.time: log["event_time"]}
        if data.key:
            told[data.key] = _keys(before[data.key], log.num_rows)
        more = {n: told[n] if n in told else log[n] for n in before.column_names}
        fresh = pa.table(more).cast(before.schema)
        parquet.write_table(pa.concat_tables([before, fresh]), self.source)
        return log.num_rows

    def promote(self, version: str) -> None:
        """The version serves alone from now on: the registry says so, too."""
        config = self.config
        aliases = Aliases(Tracking(config), config.model.name)
        was = str(aliases.of(CHAMPION))
        aliases.move(CHAMPION, was, version)
        aliases.pin(LAST_KNOWN_GOOD, was)


def made(example: Path) -> Project:
    """The example's rows and settings in a folder of their own, new; what was there before goes."""
    folder = load_config(example).home / "incident"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = folder / "data.parquet"
    parquet.write_table(read_table(Path(load_config(example).source)), source)
    said = yaml.safe_load(example.read_text(encoding="utf-8"))
    for section, keys in QUICK.items():
        said[section] = (said.get(section) or {}) | keys
    # what is logged comes after the rows of the example, whatever their order in the file
    said["data"] |= {"source": source.name, "label_delay": LABEL_DELAY, "time_order": "sort"}
    settings = folder / "timonel.yaml"
    settings.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
    return Project(settings, source)


def _keys(known: pa.ChunkedArray, count: int) -> pa.Array:
    """Keys that no row has yet."""
    if pa.types.is_integer(known.type):
        return pa.array(np.arange(count) + pc.max(known).as_py() + 1)
    return pa.array([f"logged-{len(known)}-{i}" for i in range(count)])


def _table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])
