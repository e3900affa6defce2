"""The pods of the namespace: images that cannot be pulled, containers that end, packages refused."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from timonel_pipelines.cluster.answers import Facts, conditions
from timonel_pipelines.cluster.finding import Finding, Status, failure, ok

MOST = 10
"""Findings of each kind."""
_PULL = frozenset({"ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName"})
_TOLD = frozenset({"FailedCreate", "FailedMount", "FailedAttachVolume", "ProvisioningFailed"})
_RECENT = timedelta(minutes=30)
_FULL = ("no space left on device", "disk is full", "disk quota exceeded")


def pods(facts: Facts) -> Iterator[Finding]:
    """Each container runs; else what it said last."""
    items = facts["pods"].items
    bad = {one.found: one for pod in items for one in _of_pod(pod)}
    yield from list(bad.values())[:MOST]
    if items and not bad:
        yield ok("pods", f"{len(items)}, none in trouble")


def _of_pod(pod: dict[str, Any]) -> Iterator[Finding]:
    status = pod.get("status") or {}
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(key) or ():
            trouble = _of_container(pod["metadata"], container)
            if trouble is not None:
                yield trouble
    scheduled = conditions(pod).get("PodScheduled", {})
    if scheduled.get("status") == "False":
        found = f"{_short(pod['metadata'])} cannot be placed: {scheduled.get('message')}"
        yield failure("pods", found, "a node with room for it", _look(pod["metadata"], "describe"))


def _of_container(metadata: dict[str, Any], container: dict[str, Any]) -> Finding | None:
    label = f"{_short(metadata)}, container {container['name']}"
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _PULL:
        found = f"{label}: {container['image']} cannot be pulled"
        fix = f"correct the image, or load it: {_look(metadata, 'describe')}"
        return failure("images", found, "an image that the node has or can pull", fix)
    if reason in ("CreateContainerConfigError", "CreateContainerError"):
        found = f"{label}: {waiting.get('message') or reason}"
        return failure("pods", found, "a container that starts", _look(metadata, "describe"))
    ended = _ended(container)
    return None if ended is None else _of_end(metadata, label, container, ended)


def _ended(container: dict[str, Any]) -> dict[str, Any] | None:
    """How it ended by a fault, unless it runs well again."""
    if container.get("ready"):
        return None
    for state in (container.get("state") or {}, container.get("lastState") or {}):
        ended: dict[str, Any] | None = state.get("terminated")
        if ended is not None and ended.get("exitCode"):
            return ended
    return None


def _of_end(
    metadata: dict[str, Any], label: str, container: dict[str, Any], ended: dict[str, Any]
) -> Finding:
    said = _last(ended.get("message") or "") or ended.get("reason") or "it said nothing"
    how = f"{label} ended with {ended['exitCode']} ({container.get('restartCount', 0)} restarts)"
    look = _look(metadata, f"logs -c {container['name']} --previous")
    lower = said.lower()
    if any(one in lower for one in _FULL):
        free = "free some room, or enlarge the claim: kubectl get pvc"
        return failure("volumes", f"{how}: {said}", "room on its volume", free)
    if "digest" in lower:
        right = "give the digest that `timonel package` and the registry say of this version"
        return failure("packages", f"{how}: {said}", "the package that the digest names", right)
    return failure("pods", f"{how}: {said}", "a container that runs", look)


def events(facts: Facts) -> Iterator[Finding]:
    """What the cluster could not do lately: create over a quota, mount, make a volume."""
    lacking = _lacking(facts)
    told: dict[str, Finding] = {}
    for event in facts["events"].items:
        if event.get("reason") not in _TOLD or facts.now - _at(event) > _RECENT:
            continue
        about = event["involvedObject"]
        if (about["kind"], about["name"]) not in lacking:
            continue  # it is gone or well, and its trouble over
        found = f"{about['kind'].lower()} {about['name']}: {event.get('message', '')}"
        look = f"kubectl -n {facts.namespace} describe {about['kind'].lower()} {about['name']}"
        told.setdefault(
            f"{event['reason']} {about['kind']} {_key(about['name'])}",
            Finding("events", Status.FAILURE, found, "none of this in the last half hour", look),
        )
    yield from list(told.values())[:MOST]


def _lacking(facts: Facts) -> set[tuple[str, str]]:
    """What waits for something: by kind and name."""
    found = {("ReplicaSet", _name(one)) for one in facts["replicasets"].items if _short_of(one)}
    for kind, name, phases in (
        ("Pod", "pods", ("Running", "Succeeded")),
        ("PersistentVolumeClaim", "claims", ("Bound",)),
    ):
        items = facts[name].items
        found |= {(kind, _name(one)) for one in items if one["status"].get("phase") not in phases}
    return found


def _short_of(replicas: dict[str, Any]) -> bool:
    there: int = (replicas.get("status") or {}).get("replicas", 0)
    return there < int(replicas["spec"].get("replicas", 1))


def _name(one: dict[str, Any]) -> str:
    return str(one["metadata"]["name"])


def _at(event: dict[str, Any]) -> datetime:
    """When it happened last; newer events have no lastTimestamp."""
    text = event.get("lastTimestamp") or event.get("eventTime")
    return datetime.fromisoformat(
        (text or event["metadata"]["creationTimestamp"]).replace("Z", "+00:00")
    )


def _key(name: str) -> str:
    """Without the hash that makes it one of many."""
    return name.rpartition("-")[0] or name


def _last(message: str) -> str:
    """The last lines that say something, without the frame of a box: of a log that is the error."""
    lines = [line.strip("│ \t") for line in message.splitlines()]
    return " ".join([line for line in lines if re.search(r"\w", line)][-2:])[-300:]


def _short(metadata: dict[str, Any]) -> str:
    return f"pod {metadata['name']}"


def _look(metadata: dict[str, Any], what: str) -> str:
    verb, _, more = what.partition(" ")
    kind = "pod " if verb == "describe" else ""
    return " ".join(
        f"kubectl -n {metadata['namespace']} {verb} {kind}{metadata['name']} {more}".split()
    )
