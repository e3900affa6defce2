"""The Gateway API, the Gateway, the routes of the namespace, and the serving runtime."""

from collections.abc import Iterator
from typing import Any

from timonel_pipelines.cluster.answers import Facts, conditions
from timonel_pipelines.cluster.finding import Finding, failure, hidden, ok, warning

INSTALL = "make platform"


def api(facts: Facts) -> Iterator[Finding]:
    """Routes with weights are known."""
    answer, name = facts["group:gateway"], "Gateway API"
    if answer.missing:
        found = "the cluster knows no HTTPRoute of gateway.networking.k8s.io/v1"
        yield failure(name, found, "the standard channel's definitions", INSTALL)
    elif not answer.ok:
        yield hidden(name, answer, "gateway.networking.k8s.io/v1")
    else:
        yield ok(name, "gateway.networking.k8s.io/v1")


def gateway(facts: Facts) -> Iterator[Finding]:
    """The Gateway that routes hang on is there, and its controller has taken it up."""
    space, short = facts.gateway
    name, label, answer = "Gateway", f"{space}/{short}", facts["gateway"]
    wanted = f"a Gateway {label}, programmed"
    if answer.missing:
        others = ", ".join(_name(one) for one in facts["gateways"].items)
        fix = f"set gateway.name and gateway.namespace, and --gateway: there is {others}"
        yield failure(name, f"there is no {label}", wanted, fix if others else INSTALL)
    elif not answer.ok:
        yield hidden(name, answer, wanted)
    else:
        yield _programmed(label, answer.body, wanted)


def _programmed(label: str, body: dict[str, Any], wanted: str) -> Finding:
    kind, held = body["spec"]["gatewayClassName"], conditions(body)
    programmed = held.get("Programmed", {})
    if programmed.get("status") == "True":
        return ok("Gateway", f"{label}, class {kind}")
    why = programmed.get("message") or "no controller has taken it up"
    look = f"kubectl get gatewayclass {kind} -o yaml"
    return failure("Gateway", f"{label} (class {kind}) is not programmed: {why}", wanted, look)


def routes(facts: Facts) -> Iterator[Finding]:
    """Each route of the namespace is accepted by its Gateway, and its Services are there."""
    items = facts["routes"].items
    bad = [found for one in items for found in _bad(one)]
    yield from bad
    if items and not bad:
        yield ok("routes", f"{len(items)} accepted")


def _bad(route: dict[str, Any]) -> Iterator[Finding]:
    metadata = route["metadata"]
    label = f"{metadata['name']}"
    look = f"kubectl -n {metadata['namespace']} describe httproute {metadata['name']}"
    parents = (route.get("status") or {}).get("parents") or ()
    if not parents:
        wanted = ", ".join(_name({"metadata": p}) for p in route["spec"].get("parentRefs") or ())
        found = f"{label}: no Gateway has taken it up; it asks for {wanted or 'none'}"
        yield failure("routes", found, "a Gateway that exists, and lets the namespace in", look)
    for parent in parents:
        for kind in ("Accepted", "ResolvedRefs"):
            held = conditions(parent).get(kind, {})
            if held.get("status") == "False":
                why = held.get("message") or held.get("reason")
                yield failure("routes", f"{label}: {why}", f"{kind} is true", look)


def runtime(facts: Facts) -> Iterator[Finding]:
    """The runtime for InferenceServices of model format timonel; the chart does not need it."""
    answer, name = facts["runtime"], "ClusterServingRuntime"
    if answer.ok:
        if answer.body["spec"].get("disabled"):
            found, fix = "timonel is disabled", "kubectl apply -k manifests/kserve"
            yield warning(name, found, "enabled", fix)
        else:
            yield ok(name, "timonel")
    elif answer.missing:
        yield warning(
            name,
            "there is no timonel",
            "one, if plain InferenceServices of model format timonel are wanted",
            "kubectl apply -k manifests/kserve",
        )
    else:
        yield hidden(name, answer, "timonel")


def _name(one: dict[str, Any]) -> str:
    metadata = one["metadata"]
    space = metadata.get("namespace")
    return f"{space}/{metadata['name']}" if space else str(metadata["name"])
