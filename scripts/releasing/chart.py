"""The model's Helm release: what it serves, and how that is changed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from releasing.serving import Served, served
from releasing.trouble import Trouble

BUSY = (
    "another operation"  # what Helm says while an upgrade is under way, or was killed in the middle
)
PASSING = ("failed calling webhook", "connection refused", "i/o timeout", "TLS handshake timeout")
"""What Helm says while a controller or the API server restarts."""
PATIENCE = 120.0
"""Seconds for which such a failure is met by trying again."""


@dataclass(frozen=True)
class Chart:
    """One release; without values files the values that were deployed are kept."""

    release: str
    namespace: str
    path: str
    values: tuple[str, ...] = ()
    timeout: str = "10m"
    canary_settings: tuple[str, ...] = ()
    stuck: float = 60  # seconds after which an upgrade under way counts as one that was killed

    def deployed(self) -> Served | None:
        """Return what the newest revision serves; None where there is no such release."""
        done = self._helm("get", "values", self.release, "--all", "--output", "json")
        if done.returncode == 0:
            return served(json.loads(done.stdout) or {})
        if "not found" in done.stderr:
            return None
        raise Trouble(f"helm get values ended with {done.returncode}: {done.stderr.strip()}")

    def serve(self, wanted: Served, why: str, *, wait: bool = True) -> None:
        """Upgrade to what is wanted; `wait` for the chart's own pods. `why` is for `helm history`."""
        command = ["upgrade", "--install", self.release, self.path, *self._kept()]
        command += wanted.settings()
        for setting in self.canary_settings if wanted.canary else ():
            command += ["--set-string", setting]
        # a release takes some: the champion before must still be there for `helm rollback`
        command += ["--description", why, "--history-max", "50"]
        command += ["--wait", "--timeout", self.timeout] if wait else []
        self._upgrade(command, wanted.weight)

    def _kept(self) -> list[str]:
        if self.values:
            return [part for value in self.values for part in ("--values", value)]
        return ["--reset-then-reuse-values"]

    def _upgrade(self, command: list[str], weight: int) -> None:
        done = self._through(command)
        until = time.monotonic() + self.stuck
        while BUSY in done.stderr and time.monotonic() < until:
            time.sleep(min(5, self.stuck))
            done = self._helm(*command)
        if BUSY in done.stderr:  # whoever began it is gone: Helm goes on from the revision before
            self._helm("rollback", self.release)
            done = self._helm(*command)
        print(done.stdout, end="", flush=True)
        print(done.stderr, end="", file=sys.stderr, flush=True)
        if done.returncode != 0:
            raise Trouble(f"helm upgrade ended with {done.returncode} (weight {weight})")

    def _through(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Helm, again and again while the cluster says what passes."""
        until = time.monotonic() + PATIENCE
        done = self._helm(*command)
        if passes(done):
            print(f"trying again for {PATIENCE:.0f} s: {done.stderr.strip()}", file=sys.stderr)
        while passes(done) and time.monotonic() < until:
            time.sleep(2)
            done = self._helm(*command)
        return done

    def _helm(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["helm", *words, "--namespace", self.namespace]
        return subprocess.run(command, check=False, capture_output=True, text=True)


def passes(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether Helm failed by what passes by itself."""
    return done.returncode != 0 and any(one in done.stderr for one in PASSING)
