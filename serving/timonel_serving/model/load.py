"""Loads what answers for a verified package: a classifier or a ranker."""

from typing import Any

from timonel.config.sections import Serving
from timonel.package import Package
from timonel.terms import Task
from timonel_serving.model.answerer import Answerer
from timonel_serving.model.classifier import Classifier
from timonel_serving.model.ranking import RankingAnswerer
from timonel_serving.model.runtime import load_backend
from timonel_serving.model.scoring import Scorer


def load_answerer(package: Package, settings: Serving, *, threads: int = 1) -> Answerer[Any, Any]:
    """The package's model under the predictor's settings; `threads` is what one batch may use."""
    if package.manifest.task is Task.RANKING:
        return RankingAnswerer(package, on_violation=settings.on_violation)
    scorer = Scorer(
        package,
        load_backend(package, threads=threads),
        on_violation=settings.on_violation,
        threshold=settings.threshold,
    )
    return Classifier(scorer)
