"""The platform on a cluster: pinned Helm releases and kustomizations, on AWS or anywhere else.

`python -m timonel_infra.platform [--dry-run] [--charts DIR] [PART ...]`, in the order of
`manifests/platform/platform.yaml`. Needs `helm` and `kubectl`; nothing of AWS.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = Path(__file__).resolve().parents[2] / "manifests" / "platform"


class Part(BaseModel):
    """A Helm release with a fixed version, or the kustomization in the folder of its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    chart: str | None = None
    repository: str | None = None
    version: Annotated[str, Field(pattern=r"^v?\d+\.\d+\.\d+$")] | None = None
    kustomization: bool = False
    namespace: str = "default"
    needs: tuple[str, ...] = ()  # objects of the namespace that a person makes
    wait: str = "300s"

    @model_validator(mode="after")
    def _one_kind(self) -> Part:
        if (self.chart is not None) == self.kustomization:
            raise ValueError(f"{self.name}: give chart or kustomization")
        if self.chart is not None and self.version is None:
            raise ValueError(f"{self.name}: a chart without version is another one tomorrow")
        return self


def read_parts(folder: Path = FOLDER) -> list[Part]:
    """Return the parts in the order in which they are installed."""
    raw = yaml.safe_load((folder / "platform.yaml").read_text())
    return [Part.model_validate(part) for part in raw["parts"]]


def render(part: Part, charts: Path | None = None) -> list[str]:
    """Return the command that prints what the part would install."""
    if part.kustomization:
        return ["kubectl", "kustomize", str(FOLDER / part.name)]
    return ["helm", "template", *_release(part, charts), "--include-crds"]


def install(part: Part, charts: Path | None = None) -> list[list[str]]:
    """Return the commands that install the part, or bring it to the pinned version."""
    needed = [["kubectl", "get", "--namespace", part.namespace, need] for need in part.needs]
    if not part.kustomization:
        ready = ["--create-namespace", "--wait", "--timeout", part.wait]
        return [*needed, ["helm", "upgrade", "--install", *_release(part, charts), *ready]]
    apply = ["kubectl", "apply", "--server-side", "--kustomize", str(FOLDER / part.name)]
    crds = [
        "kubectl",
        "wait",
        "--for=condition=Established",
        "crd",
        "--all",
        "--timeout",
        part.wait,
    ]
    return [*needed, apply, crds]


def _release(part: Part, charts: Path | None) -> list[str]:
    values = [
        "--namespace",
        part.namespace,
        "--values",
        str(FOLDER / "values" / f"{part.name}.yaml"),
    ]
    chart = str(part.chart)
    if charts is not None:  # a mirror of the registries, for clusters without the internet
        return [part.name, str(charts / f"{chart.rpartition('/')[2]}-{part.version}.tgz"), *values]
    source = ["--repo", part.repository] if part.repository else []
    return [part.name, chart, *source, "--version", str(part.version), *values]


def _run(part: Part, commands: list[list[str]], *, quiet: bool) -> None:
    for command in commands:
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE if quiet else None)
        if done.returncode == 0:
            continue
        print(
            f"error: {part.name}: {' '.join(command)} ended with {done.returncode}", file=sys.stderr
        )
        if command[:2] == ["kubectl", "get"]:
            print(
                f"  fix: make it: {FOLDER / part.name}/kustomization.yaml says what it holds",
                file=sys.stderr,
            )
        raise SystemExit(1)


def main() -> None:
    """Install the parts named, or all; stops at the first that fails."""
    parser = argparse.ArgumentParser(
        description="Install the platform on the cluster of KUBECONFIG."
    )
    parser.add_argument("parts", nargs="*", help="some of the parts; default is all")
    parser.add_argument("--dry-run", action="store_true", help="only render every part")
    parser.add_argument("--charts", type=Path, help="charts as NAME-VERSION.tgz in a directory")
    asked = parser.parse_args()
    known = read_parts()
    if unknown := set(asked.parts) - {part.name for part in known}:
        names = ", ".join(part.name for part in known)
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {names}")
    if missing := [tool for tool in ("helm", "kubectl") if shutil.which(tool) is None]:
        parser.error(f"{' and '.join(missing)} not found in PATH: install Helm 4 and kubectl")
    for part in known:
        if asked.parts and part.name not in asked.parts:
            continue
        print(f"{part.name} {part.version or ''}".rstrip(), flush=True)
        commands = [render(part, asked.charts)] if asked.dry_run else install(part, asked.charts)
        _run(part, commands, quiet=asked.dry_run)


if __name__ == "__main__":
    main()
