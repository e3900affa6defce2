"""The namespace: that it is there, who may create what in it, its limits, its storage."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from timonel_pipelines.cluster.answers import Facts
from timonel_pipelines.cluster.finding import Finding, failure, hidden, ok, warning

_LEVEL = "pod-security.kubernetes.io/enforce"
_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_UNITS = {"": 0, "k": 3, "M": 6, "G": 9, "T": 12, "m": -3}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4}


def namespace(facts: Facts) -> Iterator[Finding]:
    """There, and whether its pods are held to a standard."""
    answer, name = facts["namespace"], "namespace"
    if answer.missing:
        make = f"kubectl create namespace {facts.namespace}"
        yield failure(name, f"there is no {facts.namespace}", "it exists", make)
    elif not answer.ok:
        yield hidden(name, answer, f"{facts.namespace} exists")
    else:
        yield ok(name, facts.namespace)
        yield _security(facts.namespace, answer.body)


def _security(space: str, body: dict[str, Any]) -> Finding:
    level = (body["metadata"].get("labels") or {}).get(_LEVEL)
    if level == "restricted":
        return ok("Pod Security", "restricted is enforced")
    return warning(
        "Pod Security",
        f"{level} is enforced" if level else "no level is enforced on the namespace",
        "restricted: all pods of a release satisfy it",
        f"kubectl label ns {space} {_LEVEL}=restricted --overwrite",
    )


def rights(facts: Facts) -> Iterator[Finding]:
    """Whoever asks may create what the chart creates."""
    asked = list(facts.under("right:"))
    denied = [name for name, one in asked if one.ok and not one.body["status"]["allowed"]]
    unknown = [one for _, one in asked if not one.ok]
    wanted = "create what the chart creates"
    if denied:
        found = f"you may not create {', '.join(denied)}"
        make = f"kubectl -n {facts.namespace} create rolebinding timonel --clusterrole=admin"
        yield failure("rights", found, wanted, f"{make} --user=YOU, by an administrator")
    elif unknown:
        yield hidden("rights", unknown[0], wanted)
    else:
        yield ok("rights", f"you may create the {len(asked)} kinds of the chart")


def quotas(facts: Facts) -> Iterator[Finding]:
    """No quota of the namespace is used up."""
    items = facts["quotas"].items
    full = [found for one in items for found in _full(one)]
    yield from full
    if items and not full:
        yield ok("quotas", f"{len(items)}, none used up")


def _full(quota: dict[str, Any]) -> Iterator[Finding]:
    name, space = quota["metadata"]["name"], quota["metadata"]["namespace"]
    used = (quota.get("status") or {}).get("used") or {}
    for what, most in (quota["spec"].get("hard") or {}).items():
        taken = used.get(what, "0")
        if amount(taken) >= amount(most):
            yield failure(
                "quotas",
                f"{name}: {what} {taken} of {most} used: no more can be created",
                "room for a canary beside the stable version",
                f"kubectl -n {space} edit resourcequota {name}",
            )


def storage(facts: Facts) -> Iterator[Finding]:
    """The monitor's volume can be had: a class by default, or claims that are bound."""
    name, wanted = "storage", "a default StorageClass, or a bound claim"
    claims = facts["claims"].items
    waiting = [one for one in claims if one["status"].get("phase") != "Bound"]
    classes = facts["storageclasses"]
    default = [c["metadata"]["name"] for c in classes.items if _is_default(c)]
    for one in waiting:
        label, phase = one["metadata"]["name"], one["status"].get("phase")
        look = f"kubectl -n {facts.namespace} describe pvc {label}"
        made = failure if not default or phase == "Lost" else warning
        yield made(name, f"claim {label} is {phase}", "bound", look)
    if default or (claims and not waiting):
        yield ok(name, f"default class {default[0]}" if default else f"{len(claims)} bound claims")
    elif not classes.ok:
        yield hidden(name, classes, wanted)
    elif not waiting:
        fix = "set monitor.ledger.type s3, name a storageClassName, or make a volume for the claim"
        yield warning(name, "no default StorageClass", wanted, fix)


def _is_default(one: dict[str, Any]) -> bool:
    return bool((one["metadata"].get("annotations") or {}).get(_DEFAULT) == "true")


def amount(text: str) -> Decimal:
    """A quantity of Kubernetes as a number; such as 500m, 2, 1Gi."""
    found = re.fullmatch(r"([0-9.]+)(Ki|Mi|Gi|Ti|[kMGTm]?)", str(text))
    if found is None:
        return Decimal(0)
    number, unit = Decimal(found[1]), found[2]
    return number * (1024 ** _BINARY[unit] if unit in _BINARY else Decimal(10) ** _UNITS[unit])
