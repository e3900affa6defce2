"""KServe: its API, its version, its controller, its webhook, how it deploys."""

import json
import re
from collections.abc import Iterator
from typing import Any

from timonel_pipelines.cluster.answers import Facts, conditions
from timonel_pipelines.cluster.finding import Finding, failure, hidden, ok, warning

INSTALL = "make platform"
_TRIED = (0, 20)
_NO_RUNTIME = ("RuntimeNotRecognized", "RuntimeDisabled", "NoSupportingRuntime")
_MODES = {"Standard": "Standard", "RawDeployment": "Standard", "Knative": "Knative"}


def api(facts: Facts) -> Iterator[Finding]:
    """The kinds that a release is made of."""
    answer = facts["group:kserve"]
    if answer.missing:
        found = "the cluster knows no InferenceService"
        yield failure("KServe API", found, "KServe 0.20's definitions", INSTALL)
    elif not answer.ok:
        yield hidden("KServe API", answer, "serving.kserve.io/v1beta1")
    else:
        yield ok("KServe API", "serving.kserve.io/v1beta1")


def controller(facts: Facts) -> Iterator[Finding]:
    """There, of a version that was tried, and ready."""
    name, answer = "KServe controller", facts["controller"]
    if not answer.ok:
        yield hidden(name, answer, "kserve-controller-manager, ready")
        return
    if not answer.items:
        found = "no Deployment kserve-controller-manager in any namespace"
        yield failure(name, found, "KServe 0.20's controller", INSTALL)
        return
    deployment = answer.items[0]
    yield _ready(name, deployment)
    yield _version(deployment)


def _ready(name: str, deployment: dict[str, Any]) -> Finding:
    space = deployment["metadata"]["namespace"]
    wanted = deployment["spec"].get("replicas", 1)
    there = (deployment.get("status") or {}).get("readyReplicas", 0)
    where = f"kubectl -n {space}"
    if wanted == 0:
        up = f"{where} scale deploy/{deployment['metadata']['name']} --replicas=1"
        return failure(name, "scaled to 0: nothing is reconciled", "1 replica", up)
    if not there:
        return failure(
            name,
            f"0 of {wanted} replicas are ready",
            "at least one",
            f"{where} describe pods -l control-plane={deployment['metadata']['name']}",
        )
    return ok(name, f"{there} of {wanted} ready in {space}")


def _version(deployment: dict[str, Any]) -> Finding:
    images = [one["image"] for one in deployment["spec"]["template"]["spec"]["containers"]]
    found = next((m for i in images if (m := re.search(r":v?(\d+)\.(\d+)[^@]*", i))), None)
    name, wanted = "KServe version", "0.20, which releases were tried on"
    if found is None:
        return warning(name, f"not known: the image is {images[0]}", wanted, "none needed")
    number, text = (int(found[1]), int(found[2])), found[0].lstrip(":v")
    if number < _TRIED:
        return failure(name, text, wanted, INSTALL)
    if number > _TRIED:
        return warning(
            name, f"{text}, newer than was tried", wanted, "try a release on a test cluster first"
        )
    return ok(name, f"{text} (rollout.strategy gateway or knative; kserve is broken in it)")


def webhook(facts: Facts) -> Iterator[Finding]:
    """An InferenceService is taken: a dry run passes through KServe's webhook."""
    name, wanted = "KServe webhook", "an InferenceService is accepted in a dry run"
    answer = facts["webhook"]
    look = "kubectl get pods,endpointslices -A -l control-plane=kserve-controller-manager"
    if answer.ok:
        yield ok(name, "accepts an InferenceService")
    elif "webhook" in answer.message or answer.status >= 500:
        yield failure(name, f"does not answer: {answer.message}", wanted, look)
    elif answer.status in (0, 401, 403, 404):
        yield hidden(name, answer, wanted)
    else:
        yield failure(name, f"refuses a plain one: {answer.message}", wanted, look)


def mode(facts: Facts) -> Iterator[Finding]:
    """How KServe deploys unless it is told otherwise, and whether it routes by the Gateway API."""
    answer = facts["settings"]
    name, wanted = "deployment mode", "Standard, routed by the Gateway API"
    if not answer.ok:
        yield hidden(name, answer, wanted)
        return
    try:
        said = {part: json.loads(answer.body["data"][part]) for part in ("deploy", "ingress")}
    except (KeyError, ValueError):
        yield failure(name, "the ConfigMap inferenceservice-config is damaged", wanted, INSTALL)
        return
    default = said["deploy"].get("defaultDeploymentMode", "Knative")
    found = _MODES.get(default, default)
    if found == "Standard" and not said["ingress"].get("enableGatewayApi"):
        yield warning(
            name,
            "Standard, routed by Ingress",
            wanted,
            "set enableGatewayApi in the ConfigMap inferenceservice-config (section ingress)",
        )
        return
    yield ok(name, f"{found} by default")


def services(facts: Facts) -> Iterator[Finding]:
    """The InferenceServices of the namespace are ready, or it is said what hinders them."""
    name, items = "InferenceServices", facts["services"].items
    bad = [one for one in items if _ready_of(one) != "True"]
    for one in bad:
        metadata = one["metadata"]
        yield failure(
            name,
            f"{metadata['name']} is not ready: {_why(one)}",
            "ready",
            f"kubectl -n {metadata['namespace']} describe isvc {metadata['name']}",
        )
    if items and not bad:
        yield ok(name, f"{len(items)} ready")


def _ready_of(service: dict[str, Any]) -> str:
    return str(conditions(service).get("Ready", {}).get("status", "Unknown"))


def _why(service: dict[str, Any]) -> str:
    status = service.get("status") or {}
    last = (status.get("modelStatus") or {}).get("lastFailureInfo") or {}
    if last.get("reason") in _NO_RUNTIME:
        asked = (service["spec"]["predictor"].get("model") or {}).get("runtime")
        named = f"there is no enabled runtime {asked}" if asked else "no runtime fits its model"
        return f"{named} (kubectl get clusterservingruntimes,servingruntimes)"
    said = [last.get("message") or "", *(_told(c) for c in conditions(service).values())]
    return next((one for one in said if one), "nothing is said yet")


def _told(condition: dict[str, Any]) -> str:
    bad = condition.get("status") != "True"
    return str(condition.get("message") or condition.get("reason") or "") if bad else ""
