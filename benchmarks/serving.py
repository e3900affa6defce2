"""Timonel's predictor beside KServe's sklearn server: the same model, the same requests, one run.

Two server processes of one worker each. In paired rounds a light client sends the same V2 requests to
one and to the other, one at a time; what counts is the CPU time of the server process for a request,
which a noisy machine disturbs less than the clock. Exit code 0 when every target is met, else 10.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from serving_model import NAME, body, build

TARGETS = {1: 30.0, 32: 18.0, 1024: 3.5}
HERE = Path(__file__).parent


@dataclass
class Server:
    """A running server and what was measured of it."""

    name: str
    pid: int
    port: int
    stream: socket.socket
    cpu: dict[int, list[float]] = field(default_factory=dict)
    latency: dict[int, list[float]] = field(default_factory=dict)

    def ask(self, request: bytes) -> bytes:
        """Send a request, wait for its answer."""
        self.stream.sendall(request)
        return _read_response(self.stream)

    def measure(self, size: int, requests: list[bytes]) -> float:
        """CPU seconds a request."""
        before = _cpu_seconds(self.pid)
        for request in requests:
            start = time.perf_counter()
            self.ask(request)
            self.latency.setdefault(size, []).append(time.perf_counter() - start)
        used = (_cpu_seconds(self.pid) - before) / len(requests)
        self.cpu.setdefault(size, []).append(used)
        return used


def main() -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each server in each round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        built = build(Path(home))
        with _kserve(built.joblib) as peer, _timonel(built.package) as ours:
            ratios = {}
            for size in TARGETS:
                bodies = [body(built.rows[i * size : (i + 1) * size]) for i in range(8)]
                _agree(peer, ours, bodies)
                ratios[size] = _compare(peer, ours, size, bodies, options)
            return _report(peer, ours, ratios)


def _compare(
    peer: Server, ours: Server, size: int, bodies: list[bytes], options: argparse.Namespace
) -> list[float]:
    """The ratio of CPU time of each round."""
    plans = {s.name: _plan(s, bodies, options.seconds) for s in (peer, ours)}
    ratios = []
    for number in range(options.rounds):
        pair = (peer, ours) if number % 2 else (ours, peer)
        used = {s.name: s.measure(size, plans[s.name]) for s in pair}
        ratios.append(used[peer.name] / used[ours.name])
    return ratios


def _plan(server: Server, bodies: list[bytes], seconds: float) -> list[bytes]:
    """As many requests as the server answers in `seconds`; sending some warms it up."""
    requests = [_request(server.port, b) for b in bodies]
    start = time.perf_counter()
    for request in requests * 5:
        server.ask(request)
    each = (time.perf_counter() - start) / (len(requests) * 5)
    return (requests * (int(seconds / each / len(requests)) + 1))[: max(20, int(seconds / each))]


def _agree(peer: Server, ours: Server, bodies: list[bytes]) -> None:
    """Both servers must give the same labels, or the comparison means nothing."""
    for one in bodies:
        labels = [
            json.loads(s.ask(_request(s.port, one)))["outputs"][0]["data"] for s in (peer, ours)
        ]
        same = sum(a == b for a, b in zip(*labels, strict=True))
        if same < 0.99 * len(labels[0]):
            raise SystemExit(f"the servers disagree: {same} of {len(labels[0])} labels are equal")


def _report(peer: Server, ours: Server, ratios: dict[int, list[float]]) -> int:
    print(f"{'':>6} {'CPU a request':>26}   {'ratio':>7}  {'rounds':>13}  {'target':>7}")
    head = ("batch", peer.name, ours.name, "median", "min - max", "")
    print("{:>6} {:>13} {:>12}   {:>7}  {:>13}  {:>7}".format(*head))
    met = True
    for size, found in ratios.items():
        median = statistics.median(found)
        met &= median >= TARGETS[size]
        theirs, own = (statistics.median(s.cpu[size]) * 1000 for s in (peer, ours))
        verdict = "met" if median >= TARGETS[size] else "MISSED"
        print(
            f"{size:>6} {theirs:>10.3f} ms {own:>9.3f} ms   {median:>6.1f}x"
            f"  {min(found):>5.1f} - {max(found):<5.1f}  {TARGETS[size]:>6.1f}x {verdict}"
        )
    print(f"\n{'batch':>6} {'server':>14} {'p50':>12} {'p99':>12}   latency, one client")
    for size in ratios:
        for server in (peer, ours):
            p50, p99 = (_quantile(server.latency[size], q) * 1000 for q in (0.5, 0.99))
            print(f"{size:>6} {server.name:>14} {p50:>9.3f} ms {p99:>9.3f} ms")
    return 0 if met else 10


def _quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


@contextmanager
def _kserve(model: Path) -> Iterator[Server]:
    port = _free_port()
    command = [
        sys.executable,
        str(HERE / "kserve_sklearn.py"),
        f"--http_port={port}",
        "--enable_grpc=false",
        str(model),
    ]
    with _running("KServe sklearn", command, port) as server:
        yield server


@contextmanager
def _timonel(package: Path) -> Iterator[Server]:
    port = _free_port()
    command = [
        str(Path(sys.executable).with_name("timonel")),
        "serve",
        f"--package={package}",
        f"--port={port}",
        "--no-grpc",
    ]
    with _running("Timonel", command, port) as server:
        yield server


@contextmanager
def _running(name: str, command: list[str], port: int) -> Iterator[Server]:
    """A server process until the block ends. Its log goes to a file, as a container's does."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=_environment())
        try:
            yield Server(name, process.pid, port, _connect(process, port, log))
        finally:
            process.terminate()
            process.wait(30)


def _environment() -> dict[str, str]:
    """One thread for each numeric library: one worker is compared with one worker."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _connect(process: subprocess.Popen[bytes], port: int, log: object) -> socket.socket:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            stream = socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            time.sleep(0.1)
            continue
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream
    raise SystemExit(f"the server did not start: {' '.join(map(str, process.args))}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _request(port: int, payload: bytes) -> bytes:
    head = (
        f"POST /v2/models/{NAME}/infer HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


def _read_response(stream: socket.socket) -> bytes:
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _receive(stream)
    head = data[:end].lower()
    if not head.startswith(b"http/1.1 200"):
        raise SystemExit(f"a request failed: {data[:500].decode()}")
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    data = data[end + 4 :]
    while len(data) < length:
        data += _receive(stream)
    return data


def _receive(stream: socket.socket) -> bytes:
    data = stream.recv(1 << 18)
    if not data:
        raise SystemExit("the server closed the connection")
    return data


def _cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process: the scheduler's nanoseconds, else the clock's ticks."""
    tasks = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
    if tasks:
        return sum(int(t.read_text().split()[0]) for t in tasks) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
