"""Runs the commands of a page of the documentation, in the order in which a reader would.

Every ```bash block is run, in one working directory that a `cd` in a block changes for the next ones.
A comment on the line before a block says more:

    <!-- run: server -->      it goes on in the background, from when it says "Ctrl-C stops it";
                              `server until WORDS` waits for other words of its; `server beside`
                              leaves the servers that run already
    <!-- run: exit 1 -->      it is meant to end with this code
    <!-- run: laptop -->      not run: it makes what whoever runs the others has already
    <!-- output -->           the block after it is what the command before it printed

Outputs are compared loosely: every line of the page must be among the lines printed, numbers, digests
and spaces aside; of a ```json block the shape must agree.

`python tests/helpers/page_runner.py` runs all pages and writes the real outputs into them.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGES = (
    "how-to/alerts.md",
    "tutorial/first-model.md",
    "reference/http-api.md",
    "how-to/batch-scoring.md",
    "how-to/explain-predictions.md",
    "how-to/monitor.md",
    "how-to/backtest.md",
    "how-to/watch-online.md",
    "how-to/judge-a-canary.md",
)
"""In this order: those after the tutorial go on in the folder that it made."""
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>run|output)(?:: (?P<wish>[^>]+?))? -->\n)?"
    r"^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PROGRESS = re.compile(r"^\w+: [\d,]+(?: of [\d,]+)? \S+\n", re.MULTILINE)
"""What a pipe shows where a terminal shows a bar that goes away."""
READY = "Ctrl-C stops it"
PATIENCE = 120.0
READER = "/home/you"
"""What stands in the pages for the home of whoever runs the commands."""


@dataclass(frozen=True)
class Block:
    """A fenced block with what its mark says."""

    language: str
    code: str
    mark: str | None
    wish: str | None
    span: tuple[int, int]
    """Where its code stands in the page."""

    @property
    def is_command(self) -> bool:
        """Whether a reader would run it."""
        return self.language == "bash"

    @property
    def is_output(self) -> bool:
        """Whether it is what a command printed."""
        return self.mark == "output"

    @property
    def awaited(self) -> str | None:
        """Of a server the words that say that it is ready."""
        if self.wish is None or not self.wish.startswith("server"):
            return None
        words = self.wish.removeprefix("server").removeprefix(" beside").removeprefix(" until ")
        return words or READY

    @property
    def beside(self) -> bool:
        """Whether the servers before it go on."""
        return self.wish is not None and self.wish.startswith("server beside")

    @property
    def exit_code(self) -> int:
        """The exit code that its commands are meant to have."""
        return int(self.wish.split()[1]) if self.wish and self.wish.startswith("exit") else 0


@dataclass(frozen=True)
class Step:
    """A command of a page, what it printed, and the block that shows it, if one does."""

    command: Block
    printed: str
    code: int
    shown: Block | None


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(m["language"], m["code"], m["mark"], m["wish"], m.span("code"))
        for m in FENCE.finditer(page)
    ]


@dataclass
class Shell:
    """A reader's terminal: one working directory, and servers in the background."""

    folder: Path
    home: Path
    rest: int
    grpc: int
    explain: int
    detector: int
    monitor: int
    servers: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, block: Block) -> tuple[str, int]:
        """Run a block; returns what it printed, as a reader would see it, and its exit code."""
        if block.awaited is not None:
            return self._serve(block), 0
        place = self.home / ".cwd"
        script = f"set -euo pipefail\n{self._here(block.code)}\npwd > {place}\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            self.folder = Path(place.read_text().strip())
        return self._as_reader(done.stdout), done.returncode

    def stop(self) -> None:
        """End the servers as a reader would: with Ctrl-C."""
        for server in self.servers:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
        self.servers.clear()

    def _serve(self, block: Block) -> str:
        if not block.beside:
            self.stop()
        log = self.home / f"server-{len(self.servers)}.log"
        with log.open("w") as stream:
            server = subprocess.Popen(
                ["bash", "-c", self._here("exec " + block.code)],
                cwd=self.folder,
                env=self._environment(),
                stdout=stream,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.servers.append(server)
        deadline = time.monotonic() + PATIENCE
        assert block.awaited is not None
        while block.awaited not in log.read_text():
            assert server.poll() is None, f"{block.code} ended:\n{log.read_text()}"
            assert time.monotonic() < deadline, f"{block.code} is not ready:\n{log.read_text()}"
            time.sleep(0.1)
        return self._as_reader(log.read_text())

    def _here(self, code: str) -> str:
        """The code on free ports: a reader uses the default ones."""
        for port, default in self._ports:
            code = code.replace(f"localhost:{default}", f"localhost:{port}")
            code = code.replace(f"--port {default}", f"--port {port}")
        ports = f"--port {self.rest} --grpc-port {self.grpc}"
        if "--explain" in code:
            ports += f" --explain-port {self.explain}"
        return re.sub(r"\btimonel serve\b", f"timonel serve {ports}", code)

    @property
    def _ports(self) -> tuple[tuple[int, int], ...]:
        """Each with the default that it stands for."""
        own = (self.rest, self.grpc, self.explain, self.detector, self.monitor)
        return tuple(zip(own, (8080, 8081, 8082, 9300, 9400), strict=True))

    def _as_reader(self, text: str) -> str:
        text = text.replace(str(self.home.resolve()), READER).replace(str(self.home), READER)
        for port, default in self._ports:
            text = text.replace(f":{port}", f":{default}")
        return PROGRESS.sub("", text)

    def _environment(self) -> dict[str, str]:
        tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "TIMONEL_"))}
        return kept | {"HOME": str(self.home), "PATH": tools, "NO_COLOR": "1"}


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    """A terminal in the repository, whose home is `folder`; servers end with the block."""
    repository = folder / "timonel"
    repository.mkdir()
    for name in ("examples", "helm", "scripts"):
        (repository / name).symlink_to(ROOT / name)
    opened = Shell(repository, folder, *_free_ports(5))
    try:
        yield opened
    finally:
        opened.stop()


def walk(page: str, terminal: Shell) -> Iterator[Step]:
    """Run the page's commands one after another."""
    found = blocks(page)
    for block, following in zip(found, [*found[1:], None], strict=True):
        if not block.is_command or block.wish == "laptop":
            continue
        printed, code = terminal.run(block)
        shown = following if following is not None and following.is_output else None
        yield Step(block, printed, code, shown)


def differences(step: Step) -> list[str]:
    """What the page says and the command did not print."""
    assert step.shown is not None
    if step.shown.language == "json":
        said, got = _shape(json.loads(step.shown.code)), _shape(json.loads(step.printed))
        return [] if said == got else [f"shape: {said}\nprinted: {got}"]
    printed = {_loose(line) for line in step.printed.splitlines()}
    return [
        line
        for line in step.shown.code.splitlines()
        if _loose(line) not in printed and line.strip() not in ("", "...")
    ]


def _loose(line: str) -> str:
    """A line without what differs from one run to the next."""
    line = re.sub(r"^date: .*", "date: #", line)
    line = re.sub(r"\b[0-9a-f]{12,}\b|-[0-9a-f]{4}\b", "#", line)
    line = re.sub(r"\d+([.,:]\d+)*", "#", line)
    return re.sub(r"[\s│┌┐└┘├┤┬┴┼─]+", " ", line).strip()


def _shape(value: Any) -> Any:
    """JSON without its numbers and ids: names, kinds, words."""
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if isinstance(value, str):
        return _loose(value)
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else value


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [int(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports


def pretty(value: Any, indent: str = "", width: int = 92) -> str:
    """JSON in which what fits on a line stands on one."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= width or not isinstance(value, dict | list) or not value:
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(k)}: {pretty(v, deeper, width)}" for k, v in value.items()]
    else:
        items = [pretty(v, deeper, width) for v in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{deeper}" + f",\n{deeper}".join(items) + f"\n{indent}{closing}"


def renewed(page: str, steps: list[Step]) -> str:
    """The page with the real outputs in it."""
    for step in reversed([s for s in steps if s.shown]):
        assert step.shown is not None
        text = step.printed.strip("\n")
        if step.shown.language == "json":
            text = pretty(json.loads(text))
        start, end = step.shown.span
        page = page[:start] + text + "\n" + page[end:]
    return page


def main() -> None:
    """Run the pages in one terminal, and write their outputs into them."""
    with tempfile.TemporaryDirectory() as folder, shell(Path(folder)) as terminal:
        for path in (ROOT / "docs" / page for page in PAGES):
            page, steps = path.read_text(), []
            for step in walk(page, terminal):
                sys.stdout.write(f"$ {step.command.code}{step.printed}\n")
                assert step.code == step.command.exit_code, f"exit code {step.code}"
                steps.append(step)
            path.write_text(renewed(page, steps))


if __name__ == "__main__":
    main()
