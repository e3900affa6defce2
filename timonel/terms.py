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


class Strategy(StrEnum):
    """How a challenger is released."""

    CANARY = "canary"
    """A share of the traffic that rises in steps while evidence is gathered."""
    BLUE_GREEN = "blue_green"
    """No traffic until the judge, on mirrored requests, says so; then all of it."""
    AB = "ab"
    """A fixed split to a fixed horizon, for what people do with the answers."""
    SHADOW = "shadow"
    """Mirrored requests alone: nobody sees an answer of the challenger."""


class Assignment(StrEnum):
    """What decides which version answers a request."""

    REQUEST = "request"
    """Each request is drawn anew, as weighted routes do."""
    STICKY = "sticky"
    """An entity stays with one version, by a cookie or a header."""


class Evidence(StrEnum):
    """What a metric of a canary counts."""

    RATE = "rate"
    """A share of requests (or of labelled rows): errors, nulls, violations."""
    LATENCY = "latency"
    """A histogram; judged by the shares of requests slower than each edge."""
    SCORES = "scores"
    """A histogram of the scores by historic deciles: shown, never decisive."""
    PAIRED = "paired"
    """Labelled rows that both versions scored: how often one alone was wrong."""
    LOSS = "loss"
    """The difference of a loss, row by row, on rows that both versions scored."""
    VALUE = "value"
    """A business figure per request of each version, for `ab`: more is better."""


class OnPriorShift(StrEnum):
    """What is done where the shares of the classes have moved and nothing else."""

    RECALIBRATE = "recalibrate"
    """Scores become probabilities again: a new version with the same ranking."""
    MOVE_THRESHOLD = "move_threshold"
    """Scores stay as they are, the decision follows."""


class Window(StrEnum):
    """Which rows a retraining learns from."""

    CHOOSE = "choose"
    """The one that does best on the newest rows whose labels have matured."""
    ALL = "all"
    """All, with weights that fall with their age."""
    RECENT = "recent"
    """Those after the change."""
    RESERVOIR = "reservoir"
    """Those after the change, and a random sample of those before it."""


class Proof(StrEnum):
    """What a challenger must show against the champion."""

    SUPERIORITY = "superiority"
    """That it is better."""
    NON_INFERIORITY = "non_inferiority"
    """That it is not worse by a margin or more."""


class Undecided(StrEnum):
    """What happens to a challenger of which too few rows show neither harm nor safety."""

    ALLOW = "allow"
    REFUSE = "refuse"
