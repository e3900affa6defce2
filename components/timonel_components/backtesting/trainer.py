"""Trains the models of a backtest as `timonel train` does, without the parts that only a release needs."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.config import Candidate, Config
from timonel.contract import DataContract, FeatureReader, infer_contract
from timonel.errors import BadInput
from timonel_components.learning.scoring import probabilities
from timonel_components.select import select
from timonel_components.train import Trained, TrainedInfo, learn


@dataclass(frozen=True)
class FittedScorer:
    """A trained pipeline, which scores tables for all classes of the backtest."""

    trained: Trained
    contract: DataContract
    """Inferred from the rows that it was trained on."""
    classes: tuple[object, ...]
    held_out: int
    """Rows that set the threshold, the newest."""

    @property
    def threshold(self) -> float | None:
        """Score from which a row of two classes counts as positive."""
        return self.trained.info.threshold if len(self.classes) == 2 else None

    def score(self, table: pa.Table) -> NDArray[np.floating[Any]]:
        """The probability of each class, (n, classes); one that was never learnt has zero."""
        batch = FeatureReader(self.contract).from_table(table)
        found = probabilities(self.trained.pipeline, batch, self.contract)
        full = np.zeros((len(found), len(self.classes)))
        full[:, [self.classes.index(c) for c in self.contract.classes]] = found
        return full


@dataclass
class SettingsTrainer:
    """Trains by a timonel.yaml: the older rows are learnt from, the newest set the threshold.

    The first training searches as `timonel train` does: all candidates, all their settings. Later ones
    fit what it chose on the rows of their time, or search again with `search_each`.
    """

    config: Config
    classes: tuple[object, ...]
    """All classes of the table, of two the positive one last."""
    search_each: bool = False
    chosen: TrainedInfo | None = field(default=None, init=False)
    """What the last search chose."""

    def fit(self, table: pa.Table) -> FittedScorer:
        """Learn from rows in the order of time; raises BadInput where they teach nothing."""
        config = self._with_positive()
        contract = infer_contract(table, config)
        fitting, choosing = self._divided(table)
        one = partial(learn, fitting, choosing, contract, config)
        if self.chosen is not None and not self.search_each:
            again = one(self.chosen.candidate, self.chosen.params)
            return FittedScorer(again, contract, self.classes, choosing.num_rows)
        found = {candidate: one(candidate) for candidate in config.candidates}
        self.chosen = select([trained.info for trained in found.values()])
        best = found[Candidate(self.chosen.candidate)]
        return FittedScorer(best, contract, self.classes, choosing.num_rows)

    def _with_positive(self) -> Config:
        """The positive class is that of the whole table: the rarer one of a stretch may be the other."""
        if len(self.classes) != 2:
            return self.config
        data = self.config.data.model_copy(update={"positive": self.classes[1]})
        return self.config.model_copy(update={"data": data})

    def _divided(self, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        times = np.asarray(table[str(self.config.data.time)].cast(pa.int64()).to_numpy())
        wanted = times[int(len(times) * (1 - self.config.split.validation))]
        at = int(np.searchsorted(times, wanted, side="left"))  # rows of one instant stay together
        parts = table.slice(0, at), table.slice(at)
        for what, part in zip(("learn from", "choose by"), parts, strict=True):
            self._check_classes(what, part)
        return parts

    def _check_classes(self, what: str, part: pa.Table) -> None:
        target = self.config.data.target
        held = pc.unique(part[target]).to_pylist()
        if len(held) < 2:
            raise BadInput(
                f"the {part.num_rows:,} rows to {what} hold {len(held)} class of {target}"
                f" ({', '.join(map(repr, held)) or 'no row'}), expected two at least",
                fix="use a larger --initial share, a longer --window or a larger split.validation",
            )
