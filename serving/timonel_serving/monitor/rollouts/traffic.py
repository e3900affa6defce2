"""Whether the traffic that the monitor sees can decide a canary: one that cannot is not begun."""

from datetime import timedelta

from timonel.canary import CanaryPlan
from timonel.canary.cutting import base_rates
from timonel.canary.streams import COUNTED
from timonel_serving.monitor.rollouts import looking
from timonel_serving.monitor.rollouts.looking import Source

MINUTE = timedelta(minutes=1)
RECENT = 15
"""Minutes before the newest event from which the traffic to come is told."""


def check_traffic(plan: CanaryPlan, source: Source, stable: str) -> None:
    """Raise BadInput, with what would do, for a canary that cannot be decided within the plan's blocks.

    What is not known yet refuses nothing: no traffic at all, or none of the stable version.
    """
    rates = base_rates(plan, looking.totals_since(source, looking.beginning(source)), stable)
    unknown = [
        m for m in plan.metrics if m.kind in COUNTED and m.base_rate is None and m.name not in rates
    ]
    rate = requests_a_second(source)
    if rate and not unknown:
        plan.required_traffic(rate * plan.block.total_seconds(), rates)


def requests_a_second(source: Source) -> float:
    """Of all versions, over the last minutes that were counted; a shorter past is not diluted. 0: none."""
    newest = source.monitor.newest
    if newest is None:
        return 0.0
    whole = newest.replace(second=0, microsecond=0)
    seen = looking.totals_since(source, looking.EPOCH).requests
    for minutes in range(1, RECENT + 1):
        start = whole - minutes * MINUTE
        found = looking.totals_since(source, start).requests
        if found == seen:
            break
    return found / (newest - start).total_seconds()
