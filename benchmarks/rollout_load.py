"""Does a request fail, or wait longer, because of a rollout?

Callers on connections that they keep ask for predictions through the router, at a steady rate, and some of
them for thousands of rows at once, so that something is always under way. First nothing else happens. Then
versions are rolled out one after the other, each by three weight changes and a promotion, after which the
champion before is stopped; until enough requests were answered. Exit code 0 when all of them were answered
with 200, else 10.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import orjson

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from rollouts import NARROW, VERSIONS, Field, rolling
from timonel.canary import Verdict

CONNECTIONS = 16
ROWS, EVERY = 500, 2.0
"""The first caller asks for so many rows at once, so often (seconds)."""
BEFORE = 0.25
"""Requests before the first rollout, as a share of those after."""


@dataclass
class Phase:
    """What was answered in one phase."""

    name: str
    statuses: Counter[str] = field(default_factory=Counter)
    """By HTTP status, or the kind of error."""
    seconds: list[float] = field(default_factory=list)
    """Of requests for one row."""

    @property
    def requests(self) -> int:
        """All of them."""
        return self.statuses.total()

    @property
    def failed(self) -> int:
        """Those that were answered by anything but 200."""
        return self.requests - self.statuses["200"]

    def line(self) -> str:
        """The figures as a row of a table."""
        told = ", ".join(f"{count:,} x {status}" for status, count in self.statuses.most_common())
        p50, p99 = np.quantile(self.seconds, (0.5, 0.99)) * 1e3
        return f"| {self.name} | {told} | {p50:.1f} | {p99:.1f} | {max(self.seconds) * 1e3:.0f} |"


@dataclass
class Load:
    """The callers, in a thread with an event loop of their own."""

    url: str
    rows: list[dict[str, Any]]
    rate: float
    phase: Phase
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ask until the end of the block."""
        thread = threading.Thread(target=lambda: asyncio.run(self._all()))
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()

    async def _all(self) -> None:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await asyncio.gather(*(self._caller(session, n) for n in range(CONNECTIONS)))

    async def _caller(self, session: aiohttp.ClientSession, number: int) -> None:
        large = number == 0
        many = self.rows * (ROWS // len(self.rows) + 1)
        bodies = [many[:ROWS]] if large else [[row] for row in self.rows[number::CONNECTIONS]]
        sent = [orjson.dumps({"instances": body}) for body in bodies]
        pause = EVERY if large else CONNECTIONS / self.rate
        due, i = time.perf_counter(), 0
        while not self.over.is_set():
            due = max(due + pause, time.perf_counter())
            await self._ask(session, sent[i % len(sent)], timed=not large)
            i += 1
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    async def _ask(self, session: aiohttp.ClientSession, body: bytes, *, timed: bool) -> None:
        phase, began = self.phase, time.perf_counter()
        headers = {"content-type": "application/json"}
        try:
            async with session.post(self.url, data=body, headers=headers) as answer:
                await answer.read()
                status = str(answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            status = type(error).__name__
        phase.statuses[status] += 1
        if timed:
            phase.seconds.append(time.perf_counter() - began)


def main() -> int:
    """Run, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000, help="during rollouts")
    parser.add_argument("--rate", type=float, default=300, help="requests a second")
    parser.add_argument("--seconds", type=float, default=600, help="at most")
    given = parser.parse_args()
    deadline = time.monotonic() + given.seconds
    before, during = Phase("before"), Phase("during")
    with tempfile.TemporaryDirectory() as folder, rolling(Path(folder)) as site:
        site.load.going.clear()
        load = Load(site.load.url, site.load.rows, given.rate, before)
        with load.running():
            while before.requests < BEFORE * given.requests and time.monotonic() < deadline:
                time.sleep(0.1)
            load.phase = during
            changes, promoted = rolled(site, during, given.requests, deadline)
    return judge(before, during, changes, promoted, given.requests)


def rolled(site: Field, during: Phase, requests: int, deadline: float) -> tuple[int, int]:
    """Roll out until so many requests were answered; the changes of the weights, and the promotions."""
    changes = Counter[str]()
    good = [n for n in range(2, VERSIONS + 1) if n != NARROW]
    promoted = 0
    while during.requests < requests and time.monotonic() < deadline:
        ended = site.roll(good[promoted % len(good)], lambda what, text: changes.update([what]))
        if ended.verdict is not Verdict.PROMOTE:
            sys.exit(f"error: {ended.verdict.value}: {'; '.join(ended.reasons)}")
        promoted += 1
    return changes["weight"], promoted


def judge(before: Phase, during: Phase, changes: int, promoted: int, requests: int) -> int:
    """Print the table; the exit code."""
    print(
        f"{changes} weight changes, {promoted} promotions, each with a process that was stopped\n"
    )
    print("| phase | answers | p50 ms | p99 ms | longest ms |")
    print("|---|---|---|---|---|")
    for phase in (before, during):
        print(phase.line())
    failed = before.failed + during.failed
    print(f"\n{failed} of {before.requests + during.requests:,} requests failed, target 0")
    return 0 if not failed and during.requests >= requests else 10


if __name__ == "__main__":
    sys.exit(main())
