"""timonel.yaml as one frozen object."""

import os
from pathlib import Path

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from timonel.config.releasing import Release, Rollout
from timonel.config.retraining import Retraining
from timonel.config.section import Section
from timonel.config.sections import (
    Costs,
    Data,
    Evaluation,
    Model,
    Ranking,
    Resources,
    Serving,
    Split,
    Storage,
    Train,
)
from timonel.config.watching import Monitoring
from timonel.terms import Candidate, Task

TABULAR = (Candidate.LOGISTIC, Candidate.BOOSTING, Candidate.CALIBRATED_BOOSTING)
TEXTUAL = (Candidate.TFIDF_LOGISTIC, Candidate.TFIDF_SVM)
RANKERS = (Candidate.POPULARITY, Candidate.ITEM_KNN, Candidate.TRUNCATED_SVD)


class Config(Section):
    """All settings of one model, from its data to its release."""

    model: Model
    data: Data
    ranking: Ranking = Ranking()
    costs: Costs = Costs()
    split: Split = Split()
    train: Train = Train()
    evaluation: Evaluation = Evaluation()
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()
    retraining: Retraining = Retraining()
    rollout: Rollout = Rollout()
    release: Release = Release()
    storage: Storage = Storage()
    resources: Resources = Resources()
    base: SkipJsonSchema[Path] = Field(default=Path(), exclude=True)
    """The folder that relative paths start at: set by `load_config`."""

    @model_validator(mode="after")
    def _task_fits(self) -> "Config":
        if (self.model.task is Task.TEXT) != (self.data.text is not None):
            raise ValueError("data.text names the text column of a text task, and of no other task")
        unfit = [c.value for c in self.train.candidates or () if c not in self.fitting_candidates]
        if unfit:
            fitting = ", ".join(self.fitting_candidates)
            raise ValueError(
                f"train.candidates {unfit} do not fit task {self.model.task}: {fitting} do"
            )
        return self

    @model_validator(mode="after")
    def _ranking_fits(self) -> "Config":
        if self.model.task is not Task.RANKING:
            if self.ranking != Ranking():
                raise ValueError(f"ranking is for the task ranking, the task is {self.model.task}")
            return self
        for role, what in (("entity", "user"), ("time", "time of a choice")):
            if getattr(self.data, role) is None:
                raise ValueError(f"data.{role} names the column of the {what}: a ranking needs it")
        if self.data.entity in ("k", "exclude"):
            raise ValueError(
                f"data.entity is {self.data.entity}: a request has a field of that name"
            )
        if self.data.features is not None or self.data.categorical:
            raise ValueError("a ranking learns from who chose what: it has no data.features")
        if self.evaluation.challenge is not None or self.evaluation.golden is not None:
            raise ValueError(
                "evaluation.challenge and evaluation.golden are for classes: hold a ranking against its"
                " champion by gates with max_loss_to_champion"
            )
        if self.evaluation.slices:
            raise ValueError(
                "evaluation.slices is for classes: a ranking is evaluated by how much is known of"
                " the user"
            )
        return self

    @property
    def fitting_candidates(self) -> tuple[Candidate, ...]:
        """The candidates that exist for the task."""
        return {Task.TEXT: TEXTUAL, Task.RANKING: RANKERS}.get(self.model.task, TABULAR)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates that compete."""
        return self.train.candidates or self.fitting_candidates

    @property
    def selection_metric(self) -> str:
        """The metric that decides between candidates."""
        usual = {Task.MULTICLASS: "log_loss", Task.RANKING: "ndcg_at_k"}
        return self.train.metric or usual.get(self.model.task, "pr_auc")

    @property
    def home(self) -> Path:
        """The absolute directory that holds what Timonel makes."""
        return (self.base / self.storage.directory).absolute()

    @property
    def ledger(self) -> str:
        """The ledger's address, a relative path resolved against the file's folder."""
        text = self.storage.ledger
        if text is None:
            return os.fspath(self.home / "ledger")
        return text if "://" in text else os.fspath((self.base / text).absolute())

    @property
    def golden(self) -> Path | None:
        """The file of golden rows, a relative path resolved against the file's folder."""
        text = self.evaluation.golden
        return None if text is None else (self.base / text).absolute()

    @property
    def source(self) -> str:
        """The table's address, a relative path resolved against the file's folder."""
        text = self.data.source
        return text if "://" in text else os.fspath((self.base / text).absolute())
