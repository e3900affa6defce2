"""The process starts whole or not at all, and stops without losing a request."""

import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from packages import Built
from servers import TIMONEL, Running, Starter


def refuse(package: Path, *flags: str) -> str:
    """The message of a server that does not start."""
    command = [TIMONEL, "serve", "--package", str(package), "--port", "0", *flags]
    done = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_corrupted_package_is_not_served(loans: Built, tmp_path: Path) -> None:
    """One changed byte, a lost file or an added one: exit code 1 and the file's name."""
    package = tmp_path / "package"
    shutil.copytree(loans.package.path, package)
    model = package / "model.onnx"
    content = model.read_bytes()
    model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    message = refuse(package)
    assert "model.onnx has SHA-256" in message
    assert "it will not be served" in message
    model.unlink()
    assert "model.onnx is missing" in refuse(package)
    model.write_bytes(content)
    (package / "extra.py").write_text("")
    assert "extra.py is not in the manifest" in refuse(package)


def test_wrong_settings_and_taken_ports_name_the_setting(loans: Built) -> None:
    """A flag out of range, a taken port, a missing package: a message that names it."""
    assert "--port is 70000" in refuse(loans.package.path, "--port", "70000")
    assert "no model package" in refuse(loans.package.path.parent)
    assert "serving.log_url is 'nowhere'" in refuse(loans.package.path, "--log-url", "nowhere")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"serving.port is {port}" in refuse(loans.package.path, "--port", port)
        assert f"serving.grpc_port is {port}" in refuse(loans.package.path, "--grpc-port", port)


def test_sigterm_drains(serve: Starter, loans: Built) -> None:
    """At SIGTERM readiness goes first, what is under way is answered, new is refused, exit code 0."""
    server = serve(loans, settings="drain_seconds: 15")
    with ThreadPoolExecutor(12) as callers, httpx.Client() as probe:
        assert probe.get(f"{server.url}/v2/health/ready").status_code == 200
        slow = _slow_request(server, loans)
        answers = [callers.submit(_send, slow) for _ in range(12)]
        queued = _until_queued(server)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        assert probe.get(f"{server.url}/v2/health/ready").status_code == 503
        assert probe.get(f"{server.url}/v2/models/loans/ready").status_code == 503
        refused = probe.post(server.v1, json={"instances": loans.rows(1)})
        assert (refused.status_code, refused.json()["code"]) == (503, "draining")
        assert refused.headers["retry-after"] == "1"
        statuses = Counter(a.result(30) for a in answers)
    assert server.process.wait(20) == 0
    # those that waited and the one in service; who came after the signal was refused
    assert statuses[200] > queued
    assert statuses[200] + statuses[503] == 12
    assert "Traceback" not in server.errors.read_text()


def _slow_request(server: Running, loans: Built) -> httpx.Request:
    """A request that keeps the model busy for a while."""
    rows = [list(r.values()) for r in loans.rows(500)] * 20
    return httpx.Request("POST", server.v1, json={"instances": rows})


def _send(request: httpx.Request) -> int:
    with httpx.Client(timeout=60) as client:
        return client.send(request).status_code


def _until_queued(server: Running) -> int:
    """Wait until requests wait for the model; how many."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        lines = server.metrics().splitlines()
        depths = [float(x.split()[-1]) for x in lines if x.startswith("timonel_queue_depth")]
        if any(depths):
            return int(max(depths))
    raise AssertionError("the requests did not queue")


def test_an_idle_server_stops_at_once(serve: Starter, loans: Built) -> None:
    """With nothing under way a stop takes no waiting, open idle connections or not."""
    server = serve(loans)
    with httpx.Client() as client:
        client.get(f"{server.url}/v2/health/live")
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 5


def test_the_drain_has_an_end(serve: Starter, loans: Built) -> None:
    """A caller who never finishes sending does not hold the process beyond drain_seconds."""
    server = serve(loans, settings="drain_seconds: 1")
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as caller:
        caller.sendall(
            b"POST /v1/models/loans:predict HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"
        )
        time.sleep(0.3)
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 5


def test_it_works_as_process_1(loans: Built) -> None:
    """In a PID namespace of its own, as a container's first process, SIGTERM still ends it well."""
    namespace = ["unshare", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*namespace, "true"], capture_output=True).returncode:
        pytest.skip("this user may not make a PID namespace")
    command = [*namespace, TIMONEL, "serve", "--json"]
    command += ["--package", str(loans.package.path), "--port", "0", "--no-grpc"]
    process = subprocess.Popen(
        command, cwd=loans.package.path.parent, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("{")
        inner = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        subprocess.run(["kill", "-TERM", *inner], check=True)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
