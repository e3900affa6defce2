"""The templates of manifests/argo on a cluster, as people apply them, and what becomes of workflows."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from clusters import Namespace, run, until

BASE = Path(__file__).parents[2] / "manifests" / "argo" / "base"


@contextmanager
def applied(space: Namespace, release: str, folder: Path) -> Iterator[None]:
    """What docs/how-to/argo.md has people copy, for one release; the schedules wait."""
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(_overlay(space, release, folder)))
    references = BASE.parent / "example" / "references.yaml"
    (folder / "references.yaml").write_text(references.read_text())
    run("kubectl", "apply", "-k", str(folder))
    try:
        yield
    finally:
        run("kubectl", "delete", "-k", str(folder), "--ignore-not-found", "--wait=false")


def _overlay(space: Namespace, release: str, folder: Path) -> dict[str, Any]:
    named = [{"op": "add", "path": "/spec/arguments/parameters/0/value", "value": release}]
    rest = [{"op": "add", "path": "/spec/suspend", "value": True}]
    return {
        "namespace": space.name,
        "namePrefix": f"{release}-",
        "resources": [os.path.relpath(BASE, folder)],
        "configurations": ["references.yaml"],
        "patches": [
            {"target": {"kind": "WorkflowTemplate"}, "patch": json.dumps(named)},
            {"target": {"kind": "CronWorkflow"}, "patch": json.dumps(rest)},
        ],
    }


def submitted(space: Namespace, name: str, spec: dict[str, Any]) -> None:
    """A workflow of this name."""
    meta = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name}}
    space.apply(meta | {"spec": spec})


def nodes(space: Namespace, name: str) -> list[dict[str, Any]]:
    """The steps of a workflow so far."""
    status = space.get("workflow", name).get("status", {})
    return list(status.get("nodes", {}).values())


def ended(space: Namespace, name: str, seconds: float = 300) -> str:
    """The phase a workflow ended in, its exit handler included."""

    def over() -> Any:
        status = space.get("workflow", name).get("status", {})
        return status.get("finishedAt") and status["phase"]

    return str(until(over, seconds, f"the end of {name}"))


def printed(space: Namespace, name: str) -> str:
    """What the main containers of a workflow printed; its pods stay for ten minutes."""
    chosen = ("-l", f"workflows.argoproj.io/workflow={name}")
    return space.kubectl("logs", *chosen, "-c", "main", "--tail=-1")
