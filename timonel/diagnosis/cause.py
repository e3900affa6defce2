"""What can be wrong, and what to do about each."""

from enum import StrEnum


class Cause(StrEnum):
    """The class of cause of a change in a model's quality or service.

    Where it acts - a column, a segment, a version - is the scope of a finding, not another cause. Labels
    that are late and labels that are wrong are both label artefacts; the scope's column tells which.
    """

    DATA_QUALITY = "data_quality"
    INFRASTRUCTURE = "infrastructure"
    LABEL_ARTEFACT = "label_artefact"
    SERVING_SKEW = "serving_skew"
    DEPLOY = "deploy"
    PRIOR_SHIFT = "prior_shift"
    COVARIATE_SHIFT = "covariate_shift"
    CONCEPT_CHANGE = "concept_change"
    BENIGN = "benign"


class Action(StrEnum):
    """What to do."""

    FIX_DATA = "fix_data"
    """The data that come in: a producer, a unit, a column, the labels' source."""
    FIX_SERVING = "fix_serving"
    """The way of a request: a dependency, a feature store, a pod, a queue."""
    ROLL_BACK = "roll_back"
    RECALIBRATE = "recalibrate"
    MOVE_THRESHOLD = "move_threshold"
    RETRAIN = "retrain"
    RETRAIN_RECENT = "retrain_recent"
    """On rows from after the onset."""
    WAIT_FOR_LABELS = "wait_for_labels"
    NONE = "none"
    INVESTIGATE = "investigate"


class Confidence(StrEnum):
    """How sure a finding is."""

    HIGH = "high"
    """Seen directly, or the interval of its share is clear of 0 and nothing speaks against it."""
    MEDIUM = "medium"
    """It explains the change best, and something speaks against it or was not measured."""
    LOW = "low"
    """Possible: do not act on it alone."""


DEFAULT_ACTION = {
    Cause.DATA_QUALITY: Action.FIX_DATA,
    Cause.INFRASTRUCTURE: Action.FIX_SERVING,
    Cause.LABEL_ARTEFACT: Action.WAIT_FOR_LABELS,
    Cause.SERVING_SKEW: Action.FIX_SERVING,
    Cause.DEPLOY: Action.ROLL_BACK,
    Cause.PRIOR_SHIFT: Action.RECALIBRATE,
    Cause.COVARIATE_SHIFT: Action.RETRAIN,
    Cause.CONCEPT_CHANGE: Action.RETRAIN_RECENT,
    Cause.BENIGN: Action.NONE,
}
"""A finding may say otherwise: labels that are wrong are mended, not waited for."""
RUNBOOKS = {cause: f"causes/{cause.value.replace('_', '-')}" for cause in Cause}
"""The page of each under docs/runbooks, without its ending."""
