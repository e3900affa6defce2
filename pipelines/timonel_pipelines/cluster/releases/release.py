"""A release as the cluster's objects tell it; pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

INSTANCE = "app.kubernetes.io/instance"
MODEL = "timonel.dev/model"
SELECTOR = "app.kubernetes.io/part-of=timonel"
_SHOWN = 8
"""Characters of a digest."""


@dataclass(frozen=True)
class Arm:
    """One of the two versions of a release."""

    version: str
    ready: int | None
    """Replicas; None: no Deployment of it was found."""
    wanted: int | None
    digest: str | None
    """Of its package, shortened."""


@dataclass(frozen=True)
class Release:
    """What a release serves."""

    name: str
    namespace: str
    model: str
    stable: Arm
    canary: Arm | None
    weight: int | None
    """Percent of the traffic that is the canary's, as the route says, or else as the release does."""
    revision: int | None
    strategy: str


@dataclass(frozen=True)
class Objects:
    """What a cluster has of releases."""

    configs: tuple[dict[str, Any], ...]
    routes: tuple[dict[str, Any], ...]
    deployments: tuple[dict[str, Any], ...]


def releases(objects: Objects) -> list[Release]:
    """One for each ConfigMap that says what serves, by namespace and name; damaged ones are left out."""
    found = [_release(one, objects) for one in objects.configs]
    known = (one for one in found if one is not None)
    return sorted(known, key=lambda one: (one.namespace, one.name))


def _release(config: dict[str, Any], objects: Objects) -> Release | None:
    metadata = config["metadata"]
    name = (metadata.get("labels") or {}).get(INSTANCE)
    try:
        said = json.loads((config.get("data") or {})["serving.json"])
        stable, canary = str(said["stable"]), said.get("canary")
    except (KeyError, ValueError, TypeError):
        return None
    if not name:
        return None
    space = str(metadata["namespace"])
    packages = said.get("package") or {}
    mine = [one for one in objects.deployments if one["metadata"]["namespace"] == space]
    arms = {
        kind: _arm(str(version), f"{name}-{kind}-predictor", mine, packages.get(kind))
        for kind, version in (("stable", stable), ("canary", canary))
        if version is not None
    }
    weight = None if canary is None else _weight(objects.routes, space, name)
    return Release(
        name=name,
        namespace=space,
        model=str((metadata.get("labels") or {}).get(MODEL, name)),
        stable=arms["stable"],
        canary=arms.get("canary"),
        weight=said.get("weight") if weight is None and canary is not None else weight,
        revision=said.get("revision"),
        strategy=str(said.get("strategy", "gateway")),
    )


def _arm(version: str, prefix: str, deployments: Iterable[dict[str, Any]], package: Any) -> Arm:
    mine = [one for one in deployments if _is_of(one["metadata"]["name"], prefix)]
    digest = (package or {}).get("digest") or ""
    short = str(digest).removeprefix("sha256:")[:_SHOWN] or None
    if not mine:
        return Arm(version, None, None, short)
    ready = sum((one.get("status") or {}).get("readyReplicas", 0) for one in mine)
    return Arm(version, ready, sum(one["spec"].get("replicas", 1) for one in mine), short)


def _is_of(name: str, prefix: str) -> bool:
    """Knative adds a revision's number, and -deployment."""
    return name == prefix or (name.startswith(f"{prefix}-") and name.endswith("-deployment"))


def _weight(routes: Iterable[Mapping[str, Any]], space: str, name: str) -> int | None:
    """The canary's share by the route's weights."""
    for route in routes:
        metadata = route["metadata"]
        if (metadata["namespace"], metadata["name"]) != (space, name):
            continue
        weights: dict[str, int] = {}
        for rule in route["spec"].get("rules") or ():
            for backend in rule.get("backendRefs") or ():
                weights[backend["name"]] = backend.get("weight", 1)
        total = sum(weights.values())
        canary = weights.get(f"{name}-canary-predictor", 0)
        return round(100 * canary / total) if total else None
    return None
