"""Whether this machine can carry out a plan."""

from timonel.canary import CanaryPlan
from timonel.canary.cutting import check_metrics
from timonel.config import Config
from timonel.errors import BadInput
from timonel.terms import Assignment
from timonel_pipelines.rollout.behaviour.names import all_wanted
from timonel_pipelines.rollout.evidence.values import Values, valued


def check_plan(plan: CanaryPlan, config: Config) -> None:
    """Raise BadInput, saying which setting is missing or makes no sense."""
    if plan.assignment is Assignment.STICKY:
        _check_sticky(plan, config)
    elsewhere = [w.name for w in all_wanted(plan.metrics)]
    figures = valued(plan.metrics, elsewhere)
    if figures and config.release.values is None:
        raise BadInput(
            f"the business figure {figures[0]} comes from no table",
            fix="name one in release.values, with the columns time, version and "
            f"{', '.join(figures)}",
        )
    check_metrics(plan, told_elsewhere=[*elsewhere, *figures])


def _check_sticky(plan: CanaryPlan, config: Config) -> None:
    if plan.unseen:
        raise BadInput(
            f"rollout.strategy {plan.strategy} with assignment sticky: both versions get every request",
            fix="leave out rollout.assignment",
        )
    if config.release.sticky is None:
        raise BadInput(
            "rollout.assignment is sticky, but by what is not said",
            fix="set release.sticky to {cookie: NAME}, or {header: NAME} with a cohort from 0 to 99",
        )


def values_of(plan: CanaryPlan, config: Config) -> Values | None:
    """The table of business figures, if the plan asks for some."""
    figures = valued(plan.metrics, [w.name for w in all_wanted(plan.metrics)])
    source = config.release.values
    return Values(source, figures) if figures and source is not None else None


def lasting(config: Config) -> bool:
    """Whether an entity stays with its version when the weight changes: by a cookie it does."""
    sticky = config.release.sticky
    by_cookie = sticky is not None and sticky.cookie is not None
    return by_cookie and config.rollout.assignment is Assignment.STICKY
