"""Callers of the demo: steady requests for real rows, their answers, and later what became true."""

import itertools
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from timonel.config import Config
from timonel.contract import DataContract
from timonel.tables import read_table

THREADS = 4
PAUSE = 0.04
"""Seconds between two requests of a thread."""
NEWEST = 5000
REMEMBERED = 100_000


@dataclass
class Callers:
    """Some threads that ask for one row at a time, each on a connection that it keeps."""

    url: str
    rows: list[dict[str, Any]]
    truth: list[Any]
    answers: Counter[int] = field(default_factory=Counter)
    """By status; 0: no answer."""
    asked: deque[tuple[str, Any]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    """The id and the truth of each row that was answered."""
    number: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def asking(self) -> Iterator["Callers"]:
        """Ask until the end of the block."""
        over = threading.Event()
        threads = [threading.Thread(target=self._ask, args=(over,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def taken(self) -> Counter[int]:
        """The answers since the last time, by status."""
        found, self.answers = self.answers, Counter()
        return found

    def _ask(self, over: threading.Event) -> None:
        with httpx.Client(timeout=30) as client:
            while not over.wait(PAUSE):
                number = next(self.number)
                name, at = f"demo-{number}", number % len(self.rows)
                body = {"instances": [self.rows[at]]}
                try:
                    answer = client.post(self.url, json=body, headers={"x-request-id": name})
                except httpx.TransportError:
                    self.answers[0] += 1
                    continue
                self.answers[answer.status_code] += 1
                if answer.is_success:
                    self.asked.append((name, self.truth[at]))

    def tell_truth(self, monitor: str, model: str) -> int:
        """Send the monitor the labels of all that was answered so far; how many it took."""
        labels = [{"prediction_id": name, "actual": truth} for name, truth in self._forgotten()]
        at = f"{monitor}/v1/models/{model}/labels"
        answer = httpx.post(at, json={"labels": labels}, timeout=60).raise_for_status()
        return int(answer.json()["rows"])

    def _forgotten(self) -> Iterator[tuple[str, Any]]:
        while self.asked:
            yield self.asked.popleft()


def callers(config: Config, package: Path, url: str) -> Callers:
    """Callers who ask for the newest rows of the model's table, in another order."""
    contract = DataContract.load(package / "contract.json")
    names = [feature.name for feature in contract.features]
    table = read_table(Path(config.source)).sort_by(str(config.data.time))
    newest = table.slice(max(0, table.num_rows - NEWEST))
    mixed = newest.take([i * 1009 % newest.num_rows for i in range(newest.num_rows)])
    at = f"{url}/v1/models/{config.model.name}:predict"
    return Callers(at, mixed.select(names).to_pylist(), mixed[config.data.target].to_pylist())
