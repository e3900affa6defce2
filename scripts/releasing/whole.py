"""A release in one process, from the first percent to one serving version."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from releasing.judge import Judge
from releasing.moves import Moves
from releasing.serving import Served, Side
from releasing.trouble import Trouble
from releasing.verdicts import ENDS

STOPS = (signal.SIGTERM, signal.SIGINT)


@dataclass
class Release:
    """Follows the judge; whatever happens, one version serves in the end."""

    moves: Moves
    judge: Judge
    name: str
    model: str
    stable: Side
    canary: Side
    steps: list[str] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    now: Served | None = None

    def run(self, interval: float, deadline: float) -> str:
        """Return promote, rollback or inconclusive; at its return one version serves."""
        self._check()
        try:
            verdict = self._follow(interval, deadline)
            if verdict == "promote":
                self.moves.promote(self._now)
                return verdict
        except BaseException:
            self.withdraw("the release ended early")
            raise
        self.withdraw(f"verdict {verdict}")
        return verdict

    @property
    def _now(self) -> Served:
        """What serves; read from the cluster once: the stable version's package is where it was."""
        if self.now is None:
            found = self.moves.chart.deployed() or Served(self.stable, None, 0)
            same = found.stable.version == self.stable.version
            stable = found.stable if same else self.stable
            self.now = replace(found, stable=stable, canary=self.canary)
        return self.now

    def _check(self) -> None:
        """What serves is what is said: another package would be served under this version's name."""
        found = self.moves.chart.deployed()
        serves = found.stable.version if found else self.stable.version
        if serves != self.stable.version:
            raise Trouble(f"version {serves} serves, --stable is {self.stable.version}")
        if found and found.canary and found.canary.version != self.canary.version:
            raise Trouble(
                f"a canary of version {found.canary.version} is under way: settle it first"
            )

    def _follow(self, interval: float, deadline: float) -> str:
        """Set the weight that the judge suggests until its verdict is final."""
        self.now = self.moves.begin(self._now, self.canary)
        self.last = self.judge.open(self.model, self.stable.version, self.canary.version, self.name)
        while not self.last["final"]:
            if time.monotonic() > deadline:
                self.moves.say("the time given ran out without a verdict")
                return "inconclusive"
            if self.last["weight"] != self.now.weight:
                with self.judge.told(self.name, self.last["weight"]):
                    self.now = self.moves.weigh(self.now, self.last["weight"])
            time.sleep(interval)
            self.last = self.judge.verdict(self.name)
        verdict: str = self.last["verdict"]
        return verdict if verdict in ENDS else "inconclusive"

    def withdraw(self, why: str) -> None:
        """Have the stable version serve alone."""
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)  # a cancelled job is told to stop twice
        self.moves.withdraw(self._now, why)


def noting(steps: list[str]) -> Callable[[str], None]:
    """Print each step and keep it with its time."""

    def say(step: str) -> None:
        steps.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {step}")
        print(step, flush=True)

    return say
