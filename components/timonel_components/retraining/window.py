"""Chooses the rows of a retraining by fitting the model on each candidate window."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from timonel.config import Candidate, Config
from timonel.contract import DataContract, FeatureReader, infer_contract
from timonel.errors import BadInput
from timonel.retraining.window import CANDIDATES, Choice, Floats, Lesson, choose_window
from timonel.terms import Window
from timonel_components.data.cleaning import clean
from timonel_components.data.sources import read_source
from timonel_components.learning.estimators import SPACES
from timonel_components.learning.halving import Rows, fit
from timonel_components.learning.scoring import encode_target, probabilities
from timonel_components.learning.settings import drawn
from timonel_components.split import split
from timonel_components.train import threads

LEAST_PROBABILITY = 1e-6


def choose(config: Config, candidate: Candidate, since: datetime) -> Choice:
    """The best window of the settings' table for a change at `since`, by log loss.

    The candidate is fitted with its default settings, nine times at most. While too little time has gone
    by since the change to part rows for training, validation and test, all rows are the only window.
    """
    table = clean(read_source(config), config)
    name = config.data.time
    if name is None or not pa.types.is_timestamp(table[name].type):
        raise BadInput(
            "a window cannot be chosen: there is no column of times",
            fix="let data.time name one, or set retraining.window to all",
        )
    times = table[name].cast(pa.int64()).to_numpy()
    with threadpool_limits(threads(config)):
        student = Student.of(table, infer_contract(table, config), config, candidate)
        return choose_window(
            times, since, config.data.label_delay, student, _candidates(table, config, since)
        )


def _candidates(table: pa.Table, config: Config, since: datetime) -> tuple[Window, ...]:
    train = config.train.model_copy(update={"since": since})
    try:
        split(table, config.model_copy(update={"train": train}))
    except BadInput:
        return (Window.ALL,)
    return CANDIDATES


@dataclass(frozen=True)
class Student:
    """Fits the candidate on a lesson and tells its losses."""

    rows: Rows
    contract: DataContract
    config: Config
    candidate: Candidate

    @classmethod
    def of(
        cls, table: pa.Table, contract: DataContract, config: Config, candidate: Candidate
    ) -> "Student":
        """For rows of this table."""
        rows = Rows(FeatureReader(contract).from_table(table), encode_target(table, contract))
        return cls(rows, contract, config, candidate)

    def __call__(self, lesson: Lesson, rows: slice) -> Floats:
        """The log loss of each row of the slice."""
        params = drawn(SPACES[self.candidate], self.config.train)[0]
        taught = self._taken(lesson.rows, lesson.weights)
        model = fit(self.candidate, params, taught, self.contract, self.config)
        p = probabilities(model, self.rows.batch[rows], self.contract)
        own = p[np.arange(len(p)), self.rows.y[rows]].astype(np.float64)
        losses: Floats = -np.log(np.clip(own, LEAST_PROBABILITY, 1.0))
        return losses

    def _taken(self, rows: NDArray[np.intp], weights: Floats) -> Rows:
        """The rows of a lesson, the newest of them where they are more than train.max_rows."""
        most = self.config.train.max_rows
        kept = rows[-most:]
        return Rows(self.rows.batch[kept], self.rows.y[kept], weights[-most:])
