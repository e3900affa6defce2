"""Which settings a search tries."""

from sklearn.model_selection import ParameterGrid, ParameterSampler

from timonel.config.sections import Train
from timonel_components.learning.estimators import Params, Space


def drawn(space: Space, wanted: Train) -> list[Params]:
    """The default setting, then distinct random ones: `train.trials`, or as many as there are."""
    first = {name: values[0] for name, values in space.items()}
    count = min(wanted.trials, len(ParameterGrid(dict(space))))
    sampled = ParameterSampler(dict(space), count, random_state=wanted.seed)
    others = [params for params in sampled if params != first]
    return [first, *others][:count]
