"""The section of timonel.yaml that says when a model may be trained anew."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from timonel.config.section import Section
from timonel.durations import Duration
from timonel.terms import OnPriorShift, Window


class Retraining(Section):
    """When a new model may be trained without a person."""

    max_age: Duration | None = None
    """Retrain at this age at the latest. Default: age is no reason."""
    run_length: Annotated[float, Field(ge=1000, le=1e12)] = 1_000_000
    """Labelled predictions between two false alarms of the error rate, on average at least."""
    cooldown: Duration = timedelta(days=1)
    """Time between two trainings at least; data.label_delay where that is longer. Doubled with each
    challenger in a row that failed."""
    longest_cooldown: Duration = timedelta(days=60)
    """What the doubling stops at."""
    weekly_budget: Annotated[int, Field(ge=0, le=100)] = 2
    """Trainings in seven days at most; 0: only a person starts one."""
    min_positives: Annotated[int, Field(ge=0)] = 200
    """New matured labels of the positive class that a training needs; of more than two classes, of the
    rarest."""
    min_negatives: Annotated[int, Field(ge=0)] = 200
    """New matured labels of all other classes that a training needs."""
    on_prior_shift: OnPriorShift = OnPriorShift.RECALIBRATE
    """What is done where only the shares of the classes have moved: recalibrate or move_threshold."""
    retrain_unexplained: bool = False
    """Whether to retrain when a diagnosis could not explain the loss; else a person looks first."""
    window: Window = Window.CHOOSE
    """Which rows a retraining learns from: choose (the best of the others on the newest matured rows),
    all (weighted by age), recent (after the change), reservoir (recent, and a sample of the rest)."""
