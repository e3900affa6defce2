"""The types that a model file may hold beside those that skops itself trusts.

skops rebuilds a model from a list of named types and refuses any that is not allowed, so that a model
file cannot run code of its own. These are the internals of the estimators that Timonel trains; a type
belongs here only after a look at what its constructor does.
"""

TRUSTED_TYPES = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.model_selection._split.TimeSeriesSplit",
    "sklearn.tree._tree.Tree",
)
