"""The platform: pinned, in order, rendered by the commands that install it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from timonel_infra.platform import FOLDER, Part, install, read_parts, render

PARTS = {part.name: part for part in read_parts()}
ROOT = FOLDER.parents[1]
LOCAL = ("gateway", "timonel", "mlflow")  # the others refer to repositories on the internet


def _rendered(name: str) -> list[dict[str, Any]]:
    if shutil.which("kubectl") is None:
        pytest.skip("needs kubectl")
    done = subprocess.run(render(PARTS[name]), check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(done.stdout))


def test_every_part_has_its_files_and_no_file_is_left_over() -> None:
    """A release has values, a kustomization its folder, and there is nothing else."""
    values = {name for name, part in PARTS.items() if not part.kustomization}
    assert {file.stem for file in (FOLDER / "values").glob("*.yaml")} == values
    folders = {file.parent.name for file in FOLDER.glob("*/kustomization.yaml")}
    assert folders == set(PARTS) - values


def test_what_comes_from_elsewhere_is_pinned_by_commit() -> None:
    """A kustomization from another repository names a commit, not a tag or a branch."""
    found = 0
    for file in FOLDER.glob("*/kustomization.yaml"):
        for resource in yaml.safe_load(file.read_text())["resources"]:
            if "://" in resource:
                found += 1
                ref = resource.rpartition("?ref=")[2]
                assert len(ref) == 40, resource
                assert int(ref, 16), resource
    assert found == 3


def test_what_others_need_comes_first() -> None:
    """CRDs before their controllers, the gateway's class before the gateway, certificates before KServe."""
    order = list(PARTS)
    for first, then in [
        ("gateway-api", "traefik"),
        ("traefik", "gateway"),
        ("cert-manager", "kserve"),
        ("kserve-crd", "kserve"),
        ("kserve", "kserve-runtimes"),
        ("timonel", "argo-workflows"),
        ("kubeflow-cluster", "argo-workflows"),
        ("kubeflow-cluster", "kubeflow"),
    ]:
        assert order.index(first) < order.index(then), (first, then)


def test_a_release_is_installed_at_its_version_and_waited_for() -> None:
    """The same command installs and upgrades, and ends when the pods are ready."""
    command = install(PARTS["traefik"])[-1]
    assert command[:6] == ["helm", "upgrade", "--install", "traefik", "traefik", "--repo"]
    assert command[command.index("--version") + 1] == PARTS["traefik"].version
    assert "--wait" in command


def test_charts_come_from_a_directory_where_there_is_no_internet() -> None:
    """A mirror's files are named as `helm pull` names them; no registry is asked."""
    command = install(PARTS["kserve"], Path("/mirror"))[-1]
    assert "/mirror/kserve-resources-v0.20.0.tgz" in command
    assert not [word for word in command if "://" in word]


def test_what_a_person_must_make_is_looked_for_first() -> None:
    """MLflow's secrets are asked for before anything is applied."""
    commands = install(PARTS["mlflow"])
    assert commands[0] == ["kubectl", "get", "--namespace", "mlflow", "secret/mlflow-database"]
    assert commands[3][1] == "apply"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x"},
        {"name": "x", "chart": "x"},
        {"name": "x", "chart": "x", "version": "latest"},
        {"name": "x", "chart": "x", "version": "^1.0.0"},
        {"name": "x", "chart": "x", "version": "1.0.0", "kustomization": True},
    ],
)
def test_a_part_without_a_fixed_version_is_refused(wrong: dict[str, Any]) -> None:
    """Neither a range nor a moving name is a version."""
    with pytest.raises(ValidationError):
        Part.model_validate(wrong)


def test_mlflow_keeps_to_the_restricted_profile_and_asks_for_passwords() -> None:
    """No root, no writable root filesystem, authentication on, the cluster's names allowed."""
    server = next(one for one in _rendered("mlflow") if one["kind"] == "Deployment")
    pod = server["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    container = pod["containers"][0]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "--app-name=basic-auth" in container["args"]
    allowed = next(one for one in container["args"] if one.startswith("--allowed-hosts="))
    assert "mlflow.mlflow.svc.cluster.local:5000" in allowed


def test_namespaces_of_models_enforce_the_restricted_profile() -> None:
    """Pods of models and of MLflow that ask for more are refused by the cluster."""
    found = [one for name in LOCAL for one in _rendered(name) if one["kind"] == "Namespace"]
    enforced = {
        one["metadata"]["name"]
        for one in found
        if one["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce")
        == "restricted"
    }
    assert enforced == {"timonel", "mlflow"}


def test_who_deploys_may_change_one_namespace_and_no_role_of_the_cluster() -> None:
    """The group that GitHub's role is in has rights in `timonel` alone, bound there."""
    bindings = [one for one in _rendered("timonel") if "Binding" in one["kind"]]
    assert {one["kind"] for one in bindings} == {"RoleBinding"}
    assert {one["metadata"]["namespace"] for one in bindings} == {"timonel"}
    assert {one["subjects"][0]["name"] for one in bindings} == {"timonel:deployers"}
    role = next(one for one in _rendered("timonel") if one["kind"] == "Role")
    assert all("*" not in word for rule in role["rules"] for part in rule.values() for word in part)


def test_a_dry_run_renders_and_an_unknown_part_is_named() -> None:
    """The command that CI runs, on the parts that need no internet."""
    if shutil.which("helm") is None or shutil.which("kubectl") is None:
        pytest.skip("needs helm and kubectl")
    run = [sys.executable, "-m", "timonel_infra.platform", "--dry-run"]
    done = subprocess.run([*run, *LOCAL], cwd=ROOT / "infra", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == list(LOCAL)
    wrong = subprocess.run([*run, "kserv"], cwd=ROOT / "infra", capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "no part kserv" in wrong.stderr
