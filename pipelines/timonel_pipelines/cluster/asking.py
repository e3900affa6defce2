"""Ask a cluster all that the checks look at."""

from datetime import UTC, datetime

from timonel_pipelines.cluster.answers import Answer, Facts
from timonel_pipelines.cluster.reach import Cluster

GROUPS = {
    "kserve": "serving.kserve.io/v1beta1",
    "runtimes": "serving.kserve.io/v1alpha1",
    "gateway": "gateway.networking.k8s.io/v1",
    "argo": "argoproj.io/v1alpha1",
    "prometheus": "monitoring.coreos.com/v1",
    "keda": "keda.sh/v1alpha1",
}
"""API groups: discovery is open to everybody, lists of CustomResourceDefinitions are not."""
CREATED = (
    ("serving.kserve.io", "inferenceservices"),
    ("gateway.networking.k8s.io", "httproutes"),
    ("apps", "deployments"),
    ("", "services"),
    ("", "configmaps"),
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("", "persistentvolumeclaims"),
    ("policy", "poddisruptionbudgets"),
    ("networking.k8s.io", "networkpolicies"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
)
"""What the chart creates."""
_EVERYWHERE = {
    "version": "/version",
    "gateways": "/apis/gateway.networking.k8s.io/v1/gateways",
    "runtime": "/apis/serving.kserve.io/v1alpha1/clusterservingruntimes/timonel",
    "storageclasses": "/apis/storage.k8s.io/v1/storageclasses",
    "nodes": "/api/v1/nodes",
    "daemonsets": "/apis/apps/v1/daemonsets",
}
_HERE = {
    "quotas": "/api/v1/namespaces/{}/resourcequotas",
    "claims": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "pods": "/api/v1/namespaces/{}/pods",
    "replicasets": "/apis/apps/v1/namespaces/{}/replicasets",
    "events": "/api/v1/namespaces/{}/events",
    "policies": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "services": "/apis/serving.kserve.io/v1beta1/namespaces/{}/inferenceservices",
    "routes": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes",
    "namespace": "/api/v1/namespaces/{}",
}
_MOST = "500"
"""Objects of a list."""


def ask(cluster: Cluster, namespace: str, gateway: tuple[str, str]) -> Facts:
    """Every answer, also that there is none."""
    found = {"version": cluster.get("/version")}
    now = datetime.now(UTC)
    found |= {f"group:{name}": cluster.get(f"/apis/{path}") for name, path in GROUPS.items()}
    found |= {name: cluster.get(path, limit=_MOST) for name, path in _EVERYWHERE.items()}
    found |= {name: cluster.get(p.format(namespace), limit=_MOST) for name, p in _HERE.items()}
    found |= _controllers(cluster) | _rights(cluster, namespace)
    space, name = gateway
    path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{space}/gateways/{name}"
    found["gateway"] = cluster.get(path)
    found["webhook"] = _created(cluster, namespace)
    return Facts(namespace, now, found, gateway)


def _controllers(cluster: Cluster) -> dict[str, Answer]:
    """The Deployments of KServe and Argo, wherever they are, and KServe's settings beside its own."""
    found = {
        name: cluster.get("/apis/apps/v1/deployments", fieldSelector=f"metadata.name={deployment}")
        for name, deployment in (
            ("controller", "kserve-controller-manager"),
            ("workflows", "workflow-controller"),
        )
    }
    homes = [one["metadata"]["namespace"] for one in found["controller"].items]
    home = homes[0] if homes else "kserve"
    found["settings"] = cluster.get(f"/api/v1/namespaces/{home}/configmaps/inferenceservice-config")
    return found


def _rights(cluster: Cluster, namespace: str) -> dict[str, Answer]:
    """Whether whoever asks may create what the chart creates."""
    found = {}
    for group, resource in CREATED:
        wanted = {"namespace": namespace, "verb": "create", "group": group, "resource": resource}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": wanted},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        found[f"right:{resource}.{group}".rstrip(".")] = cluster.post(path, body)
    return found


def _created(cluster: Cluster, namespace: str) -> Answer:
    """Have an InferenceService checked and not created: it passes KServe's webhook."""
    container = {"name": "kserve-container", "image": "timonel/predictor:doctor"}
    body = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "timonel-doctor", "namespace": namespace},
        "spec": {"predictor": {"containers": [container]}},
    }
    path = f"/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/inferenceservices"
    return cluster.post(path, body, dryRun="All")
