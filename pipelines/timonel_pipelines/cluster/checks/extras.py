"""What a release can use and does not need: Argo Workflows, Prometheus, KEDA."""

from collections.abc import Iterator

from timonel_pipelines.cluster.answers import Facts
from timonel_pipelines.cluster.finding import Finding, hidden, ok, warning

INSTALL = "make platform"
_OPTIONAL = (
    ("prometheus", "Prometheus operator", "metrics.serviceMonitor and metrics.prometheusRule"),
    ("keda", "KEDA", "autoscaling.kind keda"),
)


def argo(facts: Facts) -> Iterator[Finding]:
    """Workflows are known, and their controller works."""
    answer, name = facts["group:argo"], "Argo Workflows"
    wanted = "its definitions and a ready controller, for manifests/argo"
    if answer.missing:
        yield warning(name, "the cluster knows no Workflow", wanted, INSTALL)
        return
    controllers = facts["workflows"]
    if not answer.ok or not controllers.ok:
        yield hidden(name, answer if not answer.ok else controllers, wanted)
        return
    ready = [one for one in controllers.items if (one.get("status") or {}).get("readyReplicas")]
    if ready:
        yield ok(name, f"controller ready in {ready[0]['metadata']['namespace']}")
    else:
        look = "kubectl get deploy,pods -A -l app=workflow-controller"
        yield warning(name, "no controller is ready: workflows do not run", wanted, look)


def optional(facts: Facts) -> Iterator[Finding]:
    """Kinds that the chart creates only if it is told to."""
    for key, name, use in _OPTIONAL:
        answer = facts[f"group:{key}"]
        if answer.ok:
            yield ok(name, "its definitions are there")
        elif answer.missing:
            yield warning(name, "its definitions are absent", f"them, for {use}", INSTALL)
        else:
            yield hidden(name, answer, f"its definitions, for {use}")
