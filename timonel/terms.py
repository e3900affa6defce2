"""The words that settings, commands and packages share; nothing heavy is imported here."""

from enum import StrEnum


class Task(StrEnum):
    """What the model predicts."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    TEXT = "text"
    RANKING = "ranking"


class Candidate(StrEnum):
    """The kinds of estimator that compete."""

    LOGISTIC = "logistic"
    BOOSTING = "boosting"
    CALIBRATED_BOOSTING = "calibrated-boosting"
    TFIDF_LOGISTIC = "tfidf-logistic"
    TFIDF_SVM = "tfidf-svm"
    POPULARITY = "popularity"
    ITEM_KNN = "item-knn"
    TRUNCATED_SVD = "truncated-svd"


class OnViolation(StrEnum):
    """What the predictor does with a row that breaks the data contract."""

    REJECT = "reject"
    FLAG = "flag"


class AlertFormat(StrEnum):
    """Who reads the alerts."""

    RULES = "rules"
    """Prometheus itself, by `rule_files`."""
    OPERATOR = "operator"
    """The Prometheus operator: a PrometheusRule."""
