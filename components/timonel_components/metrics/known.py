"""All figures by name, of classifiers and of rankings: which exist for a model, and which way is better."""

from timonel.config import Config, Task
from timonel.errors import BadInput
from timonel_components.metrics.figures import METRICS, metrics_for
from timonel_components.metrics.ranked import RANKED, ranked_metrics

_BETTER = {name: m.higher_is_better for name, m in METRICS.items()} | RANKED


def known_metrics(config: Config, classes: int) -> tuple[str, ...]:
    """The figures that a model of these settings has; `classes` is 0 for a ranking."""
    if config.model.task is Task.RANKING:
        return ranked_metrics(categories=config.ranking.category is not None)
    return tuple(m.name for m in metrics_for(classes))


def compares(name: str) -> bool:
    """Whether the figure says which of two models is better."""
    return _BETTER[name] is not None


def higher_is_better(name: str) -> bool:
    """Whether a model with more of it is the better one; any other figure is a `BadInput`."""
    better = _BETTER.get(name)
    if better is None:
        what = (
            "describes a model and cannot choose between two" if name in _BETTER else "is no metric"
        )
        raise BadInput(
            f"{name} {what}", fix=f"use one of {', '.join(n for n in _BETTER if compares(n))}"
        )
    return better
