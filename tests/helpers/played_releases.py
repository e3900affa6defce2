"""A monitor that plays given verdicts, and what Helm was told to serve."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KNOWN = {"value": 0.01, "lower": 0.008, "upper": 0.012, "n": 900, "state": "ok"}


def answer(verdict: str, weight: int, *, final: bool = False) -> dict[str, Any]:
    """An answer as the monitor gives it."""
    metric = {
        "name": "errors",
        "e_harm": 0.4,
        "harm_bar": 40.0,
        "e_safe": 55.0,
        "safe_bar": 40.0,
        "difference": KNOWN,
        "stable": KNOWN,
        "canary": KNOWN,
    }
    return {
        "id": "fraud-7",
        "verdict": verdict,
        "weight": weight,
        "final": final,
        "blocks": 12,
        "reasons": [f"{verdict} because"],
        "metrics": {"errors": metric},
    }


@dataclass
class Monitor:
    """A judge that gives its answers one after the other and keeps the last."""

    answers: list[dict[str, Any]]
    asked: list[str] = field(default_factory=list)
    address: int = 0

    def next(self) -> dict[str, Any]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def playing() -> Iterator[Callable[..., Monitor]]:
    """Monitors, each of which gives the answers that it is started with."""
    servers: list[ThreadingHTTPServer] = []

    def start(*answers: dict[str, Any]) -> Monitor:
        state = Monitor(list(answers))

        class Handler(BaseHTTPRequestHandler):
            def _reply(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                state.asked.append(f"{self.command} {self.path} {body}".strip())
                told = self.command == "PUT"
                raw = json.dumps(state.answers[0] if told else state.next()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PUT = _reply  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        state.address = server.server_address[1]
        return state

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def states(calls: Path) -> list[tuple[str, str, str]]:
    """(stable, canary or none, weight) of each call of helm."""
    found = []
    for line in calls.read_text().splitlines():
        if line.startswith("helm upgrade"):
            told = dict(re.findall(r"--set(?:-string)? (\S+?)=(\S+)", line))
            enabled = told["canary.enabled"] == "true"
            canary = told["canary.version"] if enabled else "none"
            found.append((told["stable.version"], canary, told["rollout.weight"]))
    return found
