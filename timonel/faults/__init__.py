"""Injectable incidents with a known cause, for drills, tests and the scoring of diagnoses.

An incident is a frozen dataclass; `apply(table, rng)` gives the changed table and the truth of what was
done. `then` puts several into a `Scenario`. `Healthy` draws a log in which nothing is wrong.
"""

from timonel.diagnosis.cause import Cause
from timonel.faults.degradation import degradation
from timonel.faults.delivery import DelayedRows, DuplicateRows, SegmentOutage
from timonel.faults.features import (
    CategoryRename,
    ClippedRange,
    ColumnSwap,
    NullBurst,
    StuckSensor,
    UnitChange,
)
from timonel.faults.grades import Grades, Severity
from timonel.faults.healthy import Healthy, labels_arrived
from timonel.faults.incident import Incident
from timonel.faults.labels import (
    GradualConceptChange,
    LabelDelay,
    LabelNoise,
    RecurringConceptChange,
    SuddenConceptChange,
)
from timonel.faults.layout import LOG, Layout, Model
from timonel.faults.log import Log, join_labels, split_labels
from timonel.faults.population import CovariateShift, PriorShift, SeasonalChange
from timonel.faults.scenario import Scenario
from timonel.faults.serving import BadDeploy, NullPredictions, ServingSkew, SlowDependency
from timonel.faults.truth import Injected, Truth

_ALL: tuple[type[Incident], ...] = (
    *(UnitChange, NullBurst, StuckSensor, CategoryRename, ColumnSwap, ClippedRange),
    *(DuplicateRows, DelayedRows, SegmentOutage),
    *(PriorShift, CovariateShift, SeasonalChange),
    *(SuddenConceptChange, GradualConceptChange, RecurringConceptChange, LabelDelay, LabelNoise),
    *(ServingSkew, BadDeploy, SlowDependency, NullPredictions),
)
INCIDENTS: dict[str, type[Incident]] = {kind.name: kind for kind in _ALL}
"""Every incident by its name."""

__all__ = [
    "INCIDENTS",
    "LOG",
    "BadDeploy",
    "CategoryRename",
    "Cause",
    "ClippedRange",
    "ColumnSwap",
    "CovariateShift",
    "DelayedRows",
    "DuplicateRows",
    "Grades",
    "GradualConceptChange",
    "Healthy",
    "Incident",
    "Injected",
    "LabelDelay",
    "LabelNoise",
    "Layout",
    "Log",
    "Model",
    "NullBurst",
    "NullPredictions",
    "PriorShift",
    "RecurringConceptChange",
    "Scenario",
    "SeasonalChange",
    "SegmentOutage",
    "ServingSkew",
    "Severity",
    "SlowDependency",
    "StuckSensor",
    "SuddenConceptChange",
    "Truth",
    "UnitChange",
    "degradation",
    "join_labels",
    "labels_arrived",
    "split_labels",
]
