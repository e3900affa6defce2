"""All rollouts of a model, for the API and the page."""

from timonel_serving.monitor.models.watched import Watched
from timonel_serving.monitor.rollouts.answers import RolloutAnswer, StepAnswer
from timonel_serving.monitor.rollouts.story import Story, joined, recorded

MOST = 50
"""Rollouts that are listed, the newest."""


def stories(watched: Watched) -> list[Story]:
    """The newest first."""
    told = recorded(watched.name, reversed(watched.decisions()))
    return list(joined(watched.rollouts.all, told))[:MOST]


def listed(watched: Watched) -> list[RolloutAnswer]:
    """The same as answers."""
    return [
        RolloutAnswer(
            id=one.id,
            model=one.model,
            stable=one.stable,
            canary=one.canary,
            verdict=one.verdict,
            final=one.final,
            hosted=one.hosted,
            opened=one.opened,
            steps=[StepAnswer(at=s.at, step=s.step, said=s.said) for s in one.steps],
        )
        for one in stories(watched)
    ]
