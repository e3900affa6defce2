"""Whether what serves is ready. `helm --wait` cannot tell of an InferenceService: a new one has no conditions
yet, a changed one keeps Ready while its pods are replaced.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from releasing.serving import Served
from releasing.trouble import Trouble

VERSION = "timonel.dev/version"  # the pods' annotation


def ready(release: str, namespace: str, wanted: Served) -> bool:
    """Whether each version that is wanted serves from pods of its own, and from no others."""
    if wanted.strategy == "knative":
        newest = (wanted.canary or wanted.stable).version
        return _revision_ready(_get("inferenceservice", release, namespace), newest, namespace)
    sides = [("stable", wanted.stable)]
    sides += [("canary", wanted.canary)] if wanted.canary else []
    return wanted.strategy != "gateway" or all(
        _pods_ready(_get("deployment", f"{release}-{track}-predictor", namespace), side.version)
        for track, side in sides
    )


def _revision_ready(service: dict[str, Any], version: str, namespace: str) -> bool:
    """Knative: the newest revision is the version's, and ready; the status may be older than the spec."""
    status = service.get("status", {})
    predictor = status.get("components", {}).get("predictor", {})
    newest = predictor.get("latestCreatedRevision")
    conditions = {one["type"]: one["status"] for one in status.get("conditions", [])}
    if conditions.get("Ready") != "True" or newest != predictor.get("latestReadyRevision"):
        return False
    return _version_of(_get("revision", newest, namespace)) == version


def _pods_ready(deployment: dict[str, Any], version: str) -> bool:
    if not deployment:
        return False
    template, status = deployment["spec"]["template"], deployment.get("status", {})
    named = _version_of(template) == version
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return named and seen and counts == {deployment["spec"].get("replicas", 1)}


def _version_of(pods: dict[str, Any]) -> str | None:
    """Which version the annotations of a template or of a revision name."""
    found: str | None = pods.get("metadata", {}).get("annotations", {}).get(VERSION)
    return found


def _get(kind: str, name: str, namespace: str) -> dict[str, Any]:
    """The object; empty where there is none."""
    command = ["kubectl", "--namespace", namespace, "get", kind, name, "--ignore-not-found"]
    done = subprocess.run(
        [*command, "--output", "json"], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise Trouble(f"kubectl get {kind} {name}: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    return found
