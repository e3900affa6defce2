"""A Helm that only keeps what a release's values are, and a kubectl that shows them as ready pods.

helm_played.py STATE ARGUMENT...
"""

# ruff: noqa: T201 - a program
import json
import re
import sys
from pathlib import Path
from typing import Any

KINDS = {"true": True, "false": False}


def main(state: Path, words: list[str]) -> int:
    """Do what Helm would; its exit code."""
    if words[:2] == ["get", "values"] and state.exists():
        print(state.read_text())
    elif words[:2] == ["get", "values"]:
        print("Error: release: not found", file=sys.stderr)
        return 1
    elif words[0] == "upgrade" and (state.parent / "pending").exists():
        print("Error: UPGRADE FAILED: another operation is in progress", file=sys.stderr)
        return 1
    elif words[0] == "upgrade":
        values = json.loads(state.read_text()) if state.exists() else {}
        for kind, told in re.findall(r"--set(-string)? (\S+)", " ".join(words)):
            path, value = told.split("=", 1)
            _put(values, path, value if kind else KINDS.get(value, value))
        state.write_text(json.dumps(values))
    elif words[0] == "rollback":
        (state.parent / "pending").unlink()
    elif "deployment" in words:
        track = words[words.index("deployment") + 1].split("-")[-2]
        print(json.dumps(_deployment(json.loads(state.read_text())[track]["version"])))
    elif "inferenceservice" in words:
        revisions = dict.fromkeys(("latestCreatedRevision", "latestReadyRevision"), "fraud-1")
        ready = {"type": "Ready", "status": "True"}
        status = {"conditions": [ready], "components": {"predictor": revisions}}
        print(json.dumps({"status": status}))
    elif "revision" in words:
        values = json.loads(state.read_text())
        newest = values["canary" if values["canary"].get("enabled") else "stable"]
        print(json.dumps({"metadata": {"annotations": {"timonel.dev/version": newest["version"]}}}))
    return 0


def _deployment(version: str) -> dict[str, Any]:
    pods = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 1)
    template = {"metadata": {"annotations": {"timonel.dev/version": version}}}
    return {"metadata": {}, "spec": {"replicas": 1, "template": template}, "status": pods}


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    for key in above:
        values = values.setdefault(key, {})
    values[last] = value


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
