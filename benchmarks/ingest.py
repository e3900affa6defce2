"""The detector beside a server that only accepts: CPU time an event, one by one and in batches, one run.

Both run on uvicorn with one worker. In paired rounds a light client posts the same events to one and to the
other over eight connections; what counts is the CPU time of the process from the first post until the last
row is delivered, which a noisy machine disturbs less than the clock. An event is a half of an inference of 30
numeric features in V2: a request of 2 kB or a response of 0.3 kB. The detector spools it, joins, holds the
rows to the contract and folds them: that is what the targets are for. Two more detectors of the same run show
what delivery adds: one hands parcels to a monitor (the server that only accepts plays it), one appends the
rows to a ledger in a directory besides. Exit code 0 when every target is met, else 10.
"""

import argparse
import asyncio
import os
import re
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
from typing import Any

import httpx
import numpy as np
import orjson
import pyarrow as pa

from timonel.contract import ColumnContract, DataContract
from timonel.reference import Reference
from timonel.terms import Task

TARGETS = {1: 8_000.0, 100: 20_000.0}
"""Events a second and core, without delivery, by how many a message has."""
_CONNECTIONS = 8
_FEATURES = 30
_NAMES = tuple(f"f{i:02}" for i in range(_FEATURES))
_SETTINGS = """model: {name: m, task: binary}
data: {source: none.csv, target: t}
monitoring:
  detector:
    port: 0
    name: bench
    commit_every: 5s
"""
_BARE = "detector"
_NO_LEDGER = "    ledger: false\n"
_TO_MONITOR = "    monitor_url: http://127.0.0.1:%d\n"
_DETECTORS = {
    _BARE: _NO_LEDGER,
    "to a monitor": _TO_MONITOR + _NO_LEDGER,
    "and a ledger": _TO_MONITOR,
}
"""By name what the settings add."""
_TYPE = "org.kubeflow.serving.inference."
_WAITING = re.compile(r"outbox_rows\{.*\} [1-9]")
_REFUSED = re.compile(r'outcome="refused"\} [1-9]')
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A running server and what was measured of it."""

    name: str
    pid: int
    port: int
    streams: list[socket.socket]
    cpu: dict[int, list[float]] = field(default_factory=dict)

    def post(self, messages: list[bytes]) -> None:
        """Post messages, one a connection at a time."""
        for i in range(0, len(messages), _CONNECTIONS):
            part = list(zip(self.streams, messages[i : i + _CONNECTIONS], strict=False))
            for stream, message in part:
                stream.sendall(message)
            for stream, _ in part:
                _read_answer(stream)

    def measure(self, size: int, messages: list[bytes]) -> None:
        """CPU seconds an event."""
        before = self._used()
        self.post(messages)
        self._wait()
        self.cpu.setdefault(size, []).append((self._used() - before) / (size * len(messages)))

    def _used(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _wait(self) -> None:
        """Until all is delivered."""
        if self.name not in _DETECTORS:
            return
        time.sleep(0.5)  # the last rows are passed on once the spool has been empty for a moment
        url = f"http://127.0.0.1:{self.port}/metrics"
        while "spool_unread_bytes 0.0" not in (text := httpx.get(url).text) or _WAITING.search(
            text
        ):
            time.sleep(0.25)
        assert not _REFUSED.search(text), text


def main() -> int:
    """Run the benchmark and print its table."""
    if sys.argv[1:] == ["accept"]:
        return accept()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--inferences", type=int, default=5_000, help="of each round, of each size")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as running:
        for number in range(given.rounds + 1):
            for size in TARGETS:
                messages = _messages(given.inferences, size, f"{number}-{size}")
                for server in running:
                    server.measure(size, messages)
        for server in running:
            memory = _memory_mb(server.pid)
            print(f"{server.name}: {memory:.0f} MB resident at the end")
    return _judge(running)


def _judge(running: list[Server]) -> int:
    print(
        f"{'':<16}{'events a message':>18}{'CPU us an event':>18}{'events/s a core':>18}{'target':>10}"
    )
    met = True
    for size, target in TARGETS.items():
        for server in running:
            # the first round warms up
            cost = statistics.median(server.cpu[size][1:])
            judged = server.name == _BARE
            met &= not judged or cost <= 1 / target
            shown = f"{target:,.0f}" if judged else ""
            print(
                f"{server.name:<16}{size:>18}{1e6 * cost:>18.1f}{1 / max(cost, 1e-9):>18,.0f}{shown:>10}"
            )
    print("all targets met" if met else "a target is missed")
    return 0 if met else 10


@contextmanager
def servers(folder: Path) -> Iterator[list[Server]]:
    """The server that only accepts, and the detectors, two of which deliver to it."""
    _reference().save(folder / "reference.parquet")
    processes: list[subprocess.Popen[str]] = []
    try:
        accepting = _started(
            "accepts only", [sys.executable, __file__, "accept"], folder, processes
        )
        timonel = str(Path(sys.executable).with_name("timonel"))
        command = [timonel, "detect", "--json", "--reference", str(folder / "reference.parquet")]
        running = [accepting]
        for name, settings in _DETECTORS.items():
            own = folder / name
            own.mkdir()
            given = (_SETTINGS + settings).replace("%d", str(accepting.port))
            (own / "timonel.yaml").write_text(given)
            running.append(_started(name, command, own, processes))
        yield running
        for server in running:
            for stream in server.streams:
                stream.close()
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _started(
    name: str, command: list[str], folder: Path, processes: list[subprocess.Popen[str]]
) -> Server:
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    processes.append(process)
    assert process.stdout is not None
    port = int(orjson.loads(process.stdout.readline())["url"].rpartition(":")[2])
    streams = [socket.create_connection(("127.0.0.1", port)) for _ in range(_CONNECTIONS)]
    return Server(name, process.pid, port, streams)


def _reference() -> Reference:
    """Of a thousand rows, with a contract that the events keep."""
    rng = np.random.default_rng(1)
    table = pa.table({name: rng.normal(size=1000) for name in _NAMES})
    columns = tuple(
        ColumnContract(name=name, kind="numeric", minimum=-20, maximum=20) for name in _NAMES
    )
    contract = DataContract(
        model="m", task=Task.BINARY, features=columns, target="t", classes=(0, 1), rows=1000
    )
    return Reference.fit(table, contract=contract)


def accept() -> int:
    """The server that reads a body and answers; a delivery with its mark."""
    import uvicorn
    import uvloop

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        mark = dict(scope["headers"]).get(b"x-timonel-mark")
        body = b'{"mark":0}' if mark is None else b'{"mark":%b}' % mark
        length = b"%d" % len(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)
    print(orjson.dumps({"url": f"http://x:{listener.getsockname()[1]}"}).decode(), flush=True)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        timeout_keep_alive=600,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[listener]))
    return 0


def _messages(inferences: int, size: int, run: str) -> list[bytes]:
    rng = np.random.default_rng(abs(hash(run)) % 2**32)
    halves = [
        half
        for i in range(inferences)
        for half in _inference(f"{run}-{i}", rng.normal(size=_FEATURES))
    ]
    if size == 1:
        return [_http({f"ce-{n}": v for n, v in a.items()}, orjson.dumps(d)) for a, d in halves]
    kind = {"content-type": "application/cloudevents-batch+json"}
    events = [a | {"data": d} for a, d in halves]
    return [_http(kind, orjson.dumps(events[i : i + size])) for i in range(0, len(events), size)]


def _inference(identity: str, values: Any) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    common = {
        "specversion": "1.0",
        "id": identity,
        "source": "http://localhost:9081/",
        "time": "2026-11-21T10:45:00.123456Z",
        "inferenceservicename": "m",
        "namespace": "default",
        "component": "predictor",
        "modelversion": "7",
    }
    numbers = values.round(6).tolist()
    inputs = [_tensor(name, "FP64", v) for name, v in zip(_NAMES, numbers, strict=True)]
    yield common | {"type": _TYPE + "request"}, {"id": identity, "inputs": inputs}
    outputs = [_tensor("predict", "INT64", 1), _tensor("score", "FP32", 0.75)]
    answer = {"model_name": "m", "model_version": "7", "id": identity, "outputs": outputs}
    extra = {"type": _TYPE + "response", "latencyms": "3.217", "status": "200"}
    yield common | extra, answer


def _tensor(name: str, datatype: str, value: float) -> dict[str, Any]:
    return {"name": name, "shape": [1], "datatype": datatype, "data": [value]}


def _http(headers: dict[str, str], body: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    kind = "" if "content-type" in headers else "content-type: application/json\r\n"
    head = f"POST / HTTP/1.1\r\nhost: x\r\n{kind}{lines}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _read_answer(stream: socket.socket) -> None:
    answer = b""
    while not answer.endswith(b"}"):
        part = stream.recv(4096)
        if not part:
            raise ConnectionError("the server closed the connection")
        answer += part
    assert answer.startswith(b"HTTP/1.1 200"), answer


def _memory_mb(pid: int) -> float:
    (line,) = [x for x in Path(f"/proc/{pid}/status").read_text().split("\n") if "VmRSS" in x]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
