"""A small Kubeflow Pipelines server: the few endpoints of its v2beta1 API that Timonel uses, in memory.

A run goes through the given stages, one a look; or it is really run, by kfp.local.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

API = "/apis/v2beta1"
Stage = dict[str, Any]
RUN = """
import sys
from kfp import components, local
local.init(local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[2])
components.load_component_from_file(sys.argv[1])()
"""


def stage(state: str, **tasks: str) -> Stage:
    """How a run looks at one moment: its state, and that of its tasks."""
    details = [{"display_name": name, "state": value} for name, value in tasks.items()]
    return {"state": state, "run_details": {"task_details": details}}


@dataclass
class KfpServer:
    """What the server knows."""

    stages: list[Stage] = field(default_factory=lambda: [stage("SUCCEEDED", register="SUCCEEDED")])
    token: str | None = None
    url: str = ""
    experiments: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    recurring: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks: int = 0
    failing_looks: int = 0
    """So many looks at a run are answered 503 first."""
    folder: Path | None = None
    """Where pipelines are run for real; None: nowhere."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def get(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """Answer a GET."""
        if path == "/healthz":
            return 200, {"multi_user": False}
        if path == "/experiments":
            return 200, {"experiments": self.experiments}
        if path == "/recurringruns":
            return 200, {"recurringRuns": list(self.recurring.values())}
        if path.startswith("/runs/"):
            return self._look(path.removeprefix("/runs/"))
        return 404, {"message": f"no {path}"}

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer a POST."""
        if path == "/experiments":
            made = body | {"experiment_id": f"experiment-{len(self.experiments)}"}
            self.experiments.append(made)
        elif path == "/runs":
            made = body | {"run_id": f"run-{len(self.runs)}", "state": "PENDING"}
            self.runs[made["run_id"]] = made
            if self.folder is not None:
                self.processes[made["run_id"]] = _started(made["pipeline_spec"], self.folder)
        elif path == "/recurringruns":
            made = body | {"recurring_run_id": f"recurring-{len(self.recurring)}"}
            self.recurring[made["recurring_run_id"]] = made
        else:
            return 404, {"message": f"no {path}"}
        return 200, made

    def delete(self, path: str) -> tuple[int, dict[str, Any]]:
        """Answer a DELETE."""
        del self.recurring[path.removeprefix("/recurringruns/")]
        return 200, {}

    def _look(self, run_id: str) -> tuple[int, dict[str, Any]]:
        if self.failing_looks:
            self.failing_looks -= 1
            return 503, {"message": "restarting"}
        if run_id in self.processes:
            return 200, self.runs[run_id] | _state(self.processes[run_id].poll())
        now = self.stages[min(self.looks, len(self.stages) - 1)]
        self.looks += 1
        return 200, self.runs[run_id] | now


def _started(spec: dict[str, Any], folder: Path) -> subprocess.Popen[bytes]:
    """The submitted pipeline in a process, with the defaults that it bears."""
    package = folder / "pipeline.yaml"
    package.write_text(yaml.safe_dump_all([spec["pipeline_spec"], spec["platform_spec"]]))
    with (folder / "log.txt").open("wb") as log:
        words = [sys.executable, "-c", RUN, package, folder / "artifacts"]
        return subprocess.Popen(list(map(str, words)), stdout=log, stderr=subprocess.STDOUT)


def _state(code: int | None) -> Stage:
    return stage("RUNNING" if code is None else "FAILED" if code else "SUCCEEDED")


@contextmanager
def kfp_server(known: KfpServer) -> Iterator[KfpServer]:
    """Serve it on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(known))
    known.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield known
    finally:
        for process in known.processes.values():
            process.kill()
            process.wait()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(known: KfpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            self._answer(*known.get(url.path.removeprefix(API), parse_qs(url.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(*known.post(self.path.removeprefix(API), json.loads(body)))

        def do_DELETE(self) -> None:
            self._answer(*known.delete(self.path.removeprefix(API)))

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            if known.token and self.headers["Authorization"] != f"Bearer {known.token}":
                status, body = 401, {"message": "no such user"}
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Keep the tests' output quiet."""

    return Handler
