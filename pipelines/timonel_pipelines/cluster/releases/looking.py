"""Read the releases of a namespace, or of all."""

from typing import Any

from timonel.errors import Denied, Unavailable
from timonel_pipelines.cluster.reach import Cluster
from timonel_pipelines.cluster.releases.release import SELECTOR, Objects, Release, releases
from timonel_pipelines.cluster.releases.watch import Watch, watch_of

_MOST = "500"
_FORBIDDEN = 403


def look(cluster: Cluster, namespace: str | None) -> list[tuple[Release, Watch]]:
    """Each release with what its monitor says; `namespace` None: of all namespaces."""
    found = releases(
        Objects(
            configs=_listed(cluster, "/api/v1", namespace, "configmaps", SELECTOR),
            routes=_listed(
                cluster, "/apis/gateway.networking.k8s.io/v1", namespace, "httproutes", SELECTOR
            ),
            deployments=_listed(
                cluster,
                "/apis/apps/v1",
                namespace,
                "deployments",
                "serving.kserve.io/inferenceservice",
            ),
        )
    )
    return [(one, watch_of(cluster.get, one.namespace, one.name, one.model)) for one in found]


def _listed(
    cluster: Cluster, group: str, namespace: str | None, kind: str, selector: str
) -> tuple[dict[str, Any], ...]:
    """The objects; none of a kind that the cluster does not know."""
    inside = f"namespaces/{namespace}/" if namespace else ""
    answer = cluster.get(f"{group}/{inside}{kind}", labelSelector=selector, limit=_MOST)
    if answer.status == _FORBIDDEN:
        raise Denied(
            f"you may not list {kind}: {answer.message}",
            fix="name a namespace that you may read: timonel status -n NAMESPACE",
        )
    if not answer.ok and not answer.missing:
        raise Unavailable(f"{kind} cannot be listed: {answer.message}", fix="try again")
    return tuple(answer.items)
