"""The images as a cluster runs them: read-only, as their user, without rights; `make images` makes them."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path
from typing import Any

import httpx
import pytest

from object_store import free_ports
from packages import Built, build

TAG = environ.get("IMAGE_TAG", "0.1.0")
ROOT = Path(__file__).parents[2]
SERVED = {"predictor": "/v2/health/ready", "detector": "/healthz", "monitor": "/healthz"}
LIMITS = {"predictor": 400e6, "detector": 355e6}
LOCKED = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What docker answers."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def inspected() -> dict[str, dict[str, Any]]:
    """What docker knows of each image; skips without docker or where an image is not there."""
    try:
        names = [f"timonel/{name}:{TAG}" for name in (*SERVED, "component", "release")]
        done = docker("image", "inspect", *names)
    except FileNotFoundError:
        pytest.skip("docker is not installed")
    if done.returncode != 0:
        pytest.skip(f"run `make images TAG={TAG}`: {done.stderr.strip()[:200]}")
    found = json.loads(done.stdout)
    return dict(zip((*SERVED, "component", "release"), found, strict=True))


@pytest.fixture(scope="module")
def loans(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A package and its settings that anybody may read."""
    built = build(tmp_path_factory.mktemp("packages") / "loans")
    for folder in (*built.package.path.parents[:-2], built.package.path):
        folder.chmod(0o755)
    return built


@contextmanager
def running(name: str, loans: Built, folder: Path) -> Iterator[str]:
    """A container of an image that serves; its address. Afterwards the container is gone."""
    port = free_ports(1)[0]
    settings = folder / "timonel.yaml"
    settings.write_text(loans.settings + "storage: {directory: /var/lib/timonel}\n")
    for one in (folder, *folder.parents[:-2]):
        one.chmod(0o755)
    mounts = [f"--volume={loans.package.path}:/mnt/models:ro"]
    mounts += [f"--volume={settings}:/etc/timonel/timonel.yaml:ro"]
    state = "--tmpfs=/var/lib/timonel:uid=10001,gid=10001"
    own = ["--package=/mnt/models", "--grpc-port=0"]
    watching = ["--config=/etc/timonel/timonel.yaml"]
    arguments = own if name == "predictor" else watching
    container = f"timonel-test-{name}-{port}"
    rooted = [*LOCKED, *mounts, *([] if name == "predictor" else [state])]
    image = f"timonel/{name}:{TAG}"
    run = ["run", "--detach", "--network=host", f"--name={container}", *rooted, image]
    started = docker(*run, *arguments, f"--port={port}")
    try:
        assert started.returncode == 0, started.stderr
        await_health(container, f"http://127.0.0.1:{port}{SERVED[name]}")
        yield container
    finally:
        docker("rm", "--force", container)


def await_health(container: str, url: str, seconds: float = 90) -> None:
    """Wait until a container answers its health, or tell what it said."""
    end = time.monotonic() + seconds
    while (
        time.monotonic() < end
        and "true" in docker("inspect", "-f={{.State.Running}}", container).stdout
    ):
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    raise AssertionError(docker("logs", container))


@pytest.mark.parametrize("name", SERVED)
def test_an_image_serves_read_only_and_stops_when_told(
    name: str, inspected: dict[str, Any], loans: Built, tmp_path: Path
) -> None:
    """With a read-only root and no rights it answers its health, and ends with 0 on SIGTERM."""
    with running(name, loans, tmp_path) as container:
        start = time.monotonic()
        docker("stop", "--time=30", container)
        took = time.monotonic() - start
        state = docker("inspect", "--format={{.State.ExitCode}}", container).stdout.strip()
        assert (state, took < 25) == ("0", True), docker("logs", container)


@pytest.mark.parametrize("name", SERVED)
def test_an_image_tells_its_options(name: str, inspected: dict[str, Any]) -> None:
    """What was left out of it does not keep `--help` from answering."""
    done = docker("run", "--rm", "--network=none", *LOCKED, f"timonel/{name}:{TAG}", "--help")
    assert (done.returncode, "--config" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("name", [*SERVED, "component", "release"])
def test_an_image_says_what_it_is(name: str, inspected: dict[str, Any]) -> None:
    """A numeric user that is not root, labels, SIGTERM; a health check where something listens."""
    config = inspected[name]["Config"]
    assert (config["User"], config["StopSignal"]) == ("10001:10001", "SIGTERM")
    labels = {
        key.removeprefix("org.opencontainers.image."): v for key, v in config["Labels"].items()
    }
    assert (labels["title"], labels["licenses"]) == (f"timonel/{name}", "Apache-2.0")
    kind = config["Healthcheck"]["Test"][0]
    assert kind == ("CMD" if name in SERVED else "NONE")


@pytest.mark.parametrize("name", LIMITS)
def test_an_image_is_small(name: str, inspected: dict[str, Any]) -> None:
    """Unpacked, as docker counts, below the limit that the reference page states."""
    assert inspected[name]["Size"] < LIMITS[name]


@pytest.mark.parametrize("name", SERVED)
def test_there_is_no_shell_and_a_list_of_what_is_there(
    name: str, inspected: dict[str, Any], tmp_path: Path
) -> None:
    """Nothing to start but Python; the CycloneDX list names the library among its components."""
    image = f"timonel/{name}:{TAG}"
    assert docker("run", "--rm", "--entrypoint=/bin/sh", image, "-c", "true").returncode != 0
    container = docker("create", image).stdout.strip()
    try:
        copied = docker(
            "cp", f"{container}:/opt/timonel/sbom.cdx.json", str(tmp_path / "sbom.json")
        )
        assert copied.returncode == 0, copied.stderr
    finally:
        docker("rm", container)
    listed = json.loads((tmp_path / "sbom.json").read_text())
    assert {"timonel", "timonel-serving", "pyarrow"} <= {c["name"] for c in listed["components"]}


def test_a_package_that_was_changed_is_refused_by_the_image(
    inspected: dict[str, Any], loans: Built, tmp_path: Path
) -> None:
    """Another digest than the one asked for: exit code 1 and the sentence, nothing else."""
    mount = f"--volume={loans.package.path}:/mnt/models:ro"
    image = f"timonel/predictor:{TAG}"
    asked = ["--package=/mnt/models", f"--digest={'0' * 64}"]
    done = docker("run", "--rm", "--network=host", *LOCKED, mount, image, *asked)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: /mnt/models: the package's digest is")


@pytest.mark.parametrize("name", ["component", "release"])
def test_a_tool_runs_read_only(name: str, inspected: dict[str, Any]) -> None:
    """`--help` of what each image is for, without a writable root."""
    done = docker("run", "--rm", "--network=host", *LOCKED, f"timonel/{name}:{TAG}", "--help")
    assert (done.returncode, "sage:" in done.stdout) == (0, True), done.stderr
