"""The small scripts that the workflows' steps run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
DIGEST = "registry.example.com/predictor@sha256:" + "a" * 64


def _run(name: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPTS / name), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | env,
        cwd=env.get("PWD"),
        timeout=60,
    )


def test_a_kubeconfig_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    """The secret's content arrives whole, in a file that nobody else may read."""
    file = tmp_path / "kubeconfig"
    done = _run("kubeconfig.sh", KUBECONFIG=str(file), KUBECONFIG_CONTENT="apiVersion: v1")
    assert done.returncode == 0
    assert file.read_text() == "apiVersion: v1\n"
    assert file.stat().st_mode & 0o077 == 0


def test_eks_is_asked_where_no_kubeconfig_is_given(
    tmp_path: Path, played: object, calls: Path
) -> None:
    """The cluster's name reaches the AWS command line."""
    played("aws")  # type: ignore[operator]
    file = str(tmp_path / "kubeconfig")
    assert _run("kubeconfig.sh", KUBECONFIG=file, CLUSTER="timonel-dev").returncode == 0
    assert (
        calls.read_text() == f"aws eks update-kubeconfig --name timonel-dev --kubeconfig {file}\n"
    )


def test_no_way_into_a_cluster_is_an_error_that_says_what_to_set(tmp_path: Path) -> None:
    """Without both there is a fix in the message."""
    done = _run("kubeconfig.sh", KUBECONFIG=str(tmp_path / "k"))
    assert done.returncode == 1
    assert "fix: set the secret kubeconfig" in done.stderr


@pytest.mark.parametrize(
    ("code", "said"), [(0, "was registered"), (10, "failed its gates"), (1, "an error")]
)
def test_training_ends_as_timonel_ends_and_says_so(
    tmp_path: Path, played: object, calls: Path, code: int, said: str
) -> None:
    """The exit code is passed on, the log goes into the summary, and empty inputs are left out."""
    played("timonel", f"echo trained; exit {code}")  # type: ignore[operator]
    summary = tmp_path / "summary.md"
    env = {
        "CONFIG": "timonel.yaml",
        "SUMMARY": str(summary),
        "KFP_HOST": "",
        "IMAGE": "",
        "PWD": str(tmp_path),
    }
    assert _run("train.sh", **env).returncode == code
    assert calls.read_text() == "timonel pipeline run --config timonel.yaml\n"
    assert said in summary.read_text()
    assert "trained" in summary.read_text()


def test_training_on_a_server_names_it(tmp_path: Path, played: object, calls: Path) -> None:
    """Host, image and namespace reach the command."""
    played("timonel")  # type: ignore[operator]
    env = {"CONFIG": "t.yaml", "KFP_HOST": "http://kfp", "IMAGE": DIGEST, "NAMESPACE": "ml"}
    assert _run("train.sh", **env, PWD=str(tmp_path)).returncode == 0
    assert f"--host http://kfp --image {DIGEST} --namespace ml" in calls.read_text()


def test_an_image_is_signed_by_digest_and_its_contents_attested(
    tmp_path: Path, played: object, calls: Path
) -> None:
    """cosign signs, then attests the SBOM of the same digest."""
    played("cosign")  # type: ignore[operator]
    done = _run("sign.sh", DIGEST, "sbom.json", GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))
    assert done.returncode == 0
    assert calls.read_text().splitlines() == [
        f"cosign sign --yes {DIGEST}",
        f"cosign attest --yes --type spdxjson --predicate sbom.json {DIGEST}",
    ]


def test_a_tag_is_not_signed(played: object, calls: Path) -> None:
    """Signing a tag would sign whatever it points to tomorrow."""
    played("cosign")  # type: ignore[operator]
    assert _run("sign.sh", "registry.example.com/predictor:1", "sbom.json").returncode == 1
    assert calls.read_text() == ""


def test_images_are_found_where_their_dockerfiles_are(tmp_path: Path) -> None:
    """A Dockerfile beside its code, or named by its image: both are in the matrix, each once."""
    files = ["components/Dockerfile", "serving/predictor.Dockerfile", "serving/Dockerfile.monitor"]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    run = [sys.executable, str(SCRIPTS / "images.py")]
    done = subprocess.run(run, cwd=tmp_path, check=True, capture_output=True, text=True)
    images = {one["image"]: one["file"] for one in json.loads(done.stdout)["include"]}
    assert images == dict(zip(["components", "predictor", "monitor"], files, strict=True))


def test_the_way_to_the_monitor_lasts_as_long_as_the_command(
    tmp_path: Path, played: object, calls: Path
) -> None:
    """The command's exit code is passed on, and nothing is left running."""
    played("kubectl", "exec sleep 60")  # type: ignore[operator]
    done = _run("forward.sh", "ml", "fraud-monitor", "9400", "bash", "-c", "sleep 0.5; exit 10")
    assert done.returncode == 10
    forward = "kubectl --namespace ml port-forward service/fraud-monitor 9400:9400"
    assert calls.read_text().startswith(forward)
