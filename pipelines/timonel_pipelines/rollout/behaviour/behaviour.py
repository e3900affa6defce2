"""Replays logged rows by the packages of two versions: exact pairs, and no load where requests are served."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.canary import CanaryPlan
from timonel.config import Config
from timonel.contract import DataContract
from timonel.errors import BadInput, TimonelError
from timonel.ledger import Ledger
from timonel.package import open_package
from timonel.reference import Classes
from timonel_pipelines.rollout.behaviour.compare import Rows, compared
from timonel_pipelines.rollout.behaviour.counted import Counted
from timonel_pipelines.rollout.behaviour.evidence import Replayed
from timonel_pipelines.rollout.behaviour.log import LABELLED, Ids, Stretch, opened
from timonel_pipelines.rollout.behaviour.names import NEED_LABELS, Wanted, all_wanted, columns_of
from timonel_pipelines.rollout.behaviour.scorer import PackageScorer, class_names
from timonel_pipelines.rollout.route.stand import Version


@dataclass(frozen=True)
class Pair:
    """Two versions that can score the same rows."""

    config: Config
    ledger: Ledger
    stable: Version
    canary: Version

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The champion's, whose order all probabilities have here."""
        return class_names(_contract(self.stable))

    @cached_property
    def scorers(self) -> tuple[PackageScorer, PackageScorer]:
        """Champion's and challenger's, their packages verified."""
        serving = self.config.serving
        rules = (self.classes, serving.threshold, serving.on_violation)
        found = [PackageScorer.of(v.package, v.digest, *rules) for v in (self.stable, self.canary)]
        return found[0], found[1]

    def rows(self, table: pa.Table, segments: Sequence[str]) -> Rows:
        """Rows of `fresh_rows`, scored by both; raises BadInput where a column was not logged."""
        needed = {c.name for s in self.scorers for c in s.contract.features} | set(segments)
        lacking = sorted(needed - set(table.column_names)) if table.num_rows else []
        if lacking:
            raise BadInput(
                f"the ledger's predictions have no column {', '.join(lacking)}: rows without it"
                " cannot be scored again",
                fix="log it, or leave the metrics out that compare both versions row by row",
            )
        absent = [name for name in sorted(needed) if name not in table.column_names]
        for name in absent:  # no rows at all: nothing was logged yet
            table = table.append_column(name, pa.nulls(0, pa.string()))
        stable, canary = (scorer.score(table) for scorer in self.scorers)
        return Rows(
            stable,
            canary,
            Classes(self.classes).codes(table["replay.label"]),
            _mask(table["replay.fresh"]),
            _mask(table["replay.labelled"]),
            {name: _texts(table[name]) for name in segments},
        )


@dataclass(frozen=True)
class Behaviour:
    """What a plan asks of logged rows, told block by block."""

    pair: Pair
    wanted: tuple[Wanted, ...]
    most: int
    """Rows a block that are scored anew; the others wait, labelled ones first."""
    counted: Counted
    seed: str

    @classmethod
    def of(cls, pair: Pair, plan: CanaryPlan, folder: Path) -> "Behaviour | None":
        """For a rollout whose files are in a folder; None where its plan asks nothing of logged rows."""
        wanted = all_wanted(plan.metrics)
        if not wanted:
            return None
        most = pair.config.release.replay_rows
        return cls(pair, wanted, most, Counted(folder / "replayed.bin"), folder.name)

    def since(self, start: datetime, known: int) -> tuple[Replayed, int]:
        """What rows since `start` say that were not counted yet, and how many were counted thereafter.

        A row is counted once without and once with its label: `known` says how many numbers of the file
        of counted rows hold. The same state gives the same evidence; a log that cannot be read makes
        metrics that failed, which is no pass.
        """
        try:
            counted = self.counted.load(known)
            with opened(self.pair.ledger, start) as log:
                table = log.fresh_rows(self._stretch(start), counted)
            rows = self.pair.rows(table, columns_of(self.wanted))
            found = compared(rows, self.wanted)
        except (TimonelError, OSError) as error:
            names = tuple(w.name for w in self.wanted)
            return Replayed(failed=names, problem=str(error)), known
        numbers = np.asarray(table["replay.number"].to_numpy(), dtype=np.uint64)
        return found, self.counted.add(known, _taken(numbers, rows))

    def _stretch(self, start: datetime) -> Stretch:
        unlabelled = any(w.base not in NEED_LABELS for w in self.wanted)
        name = self.pair.config.model.name
        return Stretch(name, start, datetime.now(UTC), self.most, unlabelled, seed=self.seed)


def _taken(numbers: Ids, rows: Rows) -> Ids:
    return np.concatenate([numbers[rows.fresh], numbers[rows.labelled] + LABELLED])


def _mask(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(), dtype=bool)


def _texts(column: pa.ChunkedArray) -> NDArray[np.object_]:
    return np.asarray(column.cast(pa.string()).to_numpy(), dtype=object)


def check(config: Config, plan: CanaryPlan, stable: Version, canary: Version) -> None:
    """Raise BadInput for a plan whose metrics cannot be told from what is logged of these versions."""
    wanted = all_wanted(plan.metrics)
    if not wanted:
        return
    hindrance = replayable(config, stable, canary)
    if hindrance is not None:
        raise BadInput(
            f"{wanted[0].name} has logged rows scored by both versions, but {hindrance}",
            fix="mend that, or leave out of rollout.metrics what compares answers row by row",
        )
    features = {c.name for v in (stable, canary) for c in _contract(v).features}
    unknown = sorted(set(columns_of(wanted)) - features)
    if unknown:
        raise BadInput(f"rollout.metrics has segments of {', '.join(unknown)}, which is no feature")
    labelled = [w.name for w in wanted if w.base in NEED_LABELS]
    if labelled and not config.monitoring.monitor.ledger:
        raise BadInput(
            f"{labelled[0]} needs labels, but monitoring.monitor.ledger is false: they are not kept",
            fix="set it to true, or leave the metric out",
        )


def replayable(config: Config, stable: Version, canary: Version) -> str | None:
    """Why logged rows cannot be scored again by both versions; None: they can."""
    if not config.monitoring.detector.ledger:
        return "monitoring.detector.ledger is false: they are not kept"
    contracts = [_contract(v) for v in (stable, canary)]
    if any(c.ranking is not None for c in contracts):
        return "a ranking has no features of rows"
    if set(class_names(contracts[0])) != set(class_names(contracts[1])):
        return "the versions tell different classes apart"
    privacy = config.monitoring.detector.privacy
    for column in (c for contract in contracts for c in contract.features):
        kept = privacy.get(column.name, "drop" if column.kind == "text" else "keep")
        if kept != "keep":
            usual = "" if column.name in privacy else ", as of all text that it does not name"
            what = "a hash" if kept == "hash" else "nothing"
            return (
                f"of the column {column.name} the log keeps {what}"
                f" (monitoring.detector.privacy: {kept}{usual})"
            )
    return None


def _contract(version: Version) -> DataContract:
    return open_package(Path(version.package)).contract
