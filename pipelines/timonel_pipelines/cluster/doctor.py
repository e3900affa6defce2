"""All checks, in the order in which one would mend what they find."""

from collections.abc import Callable, Iterator, Sequence

from timonel_pipelines.cluster.answers import Facts
from timonel_pipelines.cluster.checks import extras, gateway, kserve, platform, space, workloads
from timonel_pipelines.cluster.finding import Finding, Status

FAILED_EXIT = 10
Check = Callable[[Facts], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    platform.version,
    platform.clock,
    platform.nodes,
    kserve.api,
    kserve.controller,
    kserve.webhook,
    kserve.mode,
    gateway.api,
    gateway.gateway,
    gateway.runtime,
    extras.argo,
    extras.optional,
    platform.policies,
    space.namespace,
    space.rights,
    space.quotas,
    space.storage,
    kserve.services,
    gateway.routes,
    workloads.pods,
    workloads.events,
)


def examine(facts: Facts) -> list[Finding]:
    """What every check finds."""
    return [found for check in CHECKS for found in check(facts)]


def exit_code(findings: Sequence[Finding]) -> int:
    """0 if nothing fails, else 10."""
    return FAILED_EXIT if any(one.status is Status.FAILURE for one in findings) else 0
