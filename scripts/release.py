#!/usr/bin/env python3
"""Release a version by Helm: deploy the canary, follow the monitor's verdict, promote or roll back, report.

Needs Python's standard library, `helm` 4 (it waits for InferenceServices, 3 does not), and the monitor's
address; the token in TIMONEL_TOKEN. Whatever happens - a verdict, an error, a signal, the time running out -
one version serves in the end.
Exit codes: 0 promoted, 10 rolled back, 30 inconclusive (and rolled back), 1 an error (and rolled back).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STOPS = (signal.SIGTERM, signal.SIGINT)
CODES = {"promote": 0, "rollback": 10, "inconclusive": 30}


class Trouble(Exception):
    """Something that ends the release; the canary is taken away."""


@dataclass(frozen=True)
class Chart:
    """The model's Helm release, and how its values say which version serves how much."""

    release: str
    namespace: str
    path: str
    values: tuple[str, ...]
    timeout: str
    canary_settings: tuple[str, ...]

    def set(self, stable: str, canary: str | None, weight: int, *, wait: bool = True) -> None:
        """Have `stable` serve, beside it `canary` with `weight` percent; `wait` until both are ready."""
        settings = ["--set-string", f"stable.version={stable}", "--set", f"rollout.weight={weight}"]
        settings += ["--set", f"canary.enabled={'true' if canary else 'false'}"]
        if canary:
            settings += ["--set-string", f"canary.version={canary}"]
            for more in self.canary_settings:
                settings += ["--set-string", more]
        files = [part for value in self.values for part in ("--values", value)]
        command = ["helm", "upgrade", "--install", self.release, self.path]
        command += ["--namespace", self.namespace, *files, *settings]
        command += ["--wait", "--timeout", self.timeout] if wait else []
        done = subprocess.run(command, check=False)
        if done.returncode != 0:
            raise Trouble(f"helm upgrade ended with {done.returncode} (weight {weight})")


@dataclass(frozen=True)
class Judge:
    """The monitor that hosts the judge."""

    address: str
    token: str | None
    patience: int  # looks in a row that may fail

    def open(self, model: str, stable: str, canary: str, name: str) -> dict[str, Any]:
        """Have the canary judged; the answer to the same question again is the same rollout."""
        body = {"id": name, "stable": stable, "canary": canary}
        return self._ask("POST", f"/v1/models/{model}/rollouts", body)

    def tell(self, name: str, weight: int) -> None:
        """Tell what the route was set to."""
        self._ask("PUT", f"/v1/rollouts/{name}/weight", {"weight": weight})

    def verdict(self, name: str) -> dict[str, Any]:
        """Return the verdict so far."""
        return self._ask("GET", f"/v1/rollouts/{name}/verdict", None)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        for look in range(self.patience):
            try:
                return self._once(method, path, body)
            except urllib.error.HTTPError as error:
                raise Trouble(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error
            except OSError as error:  # the monitor restarts: it keeps what it was told
                trouble = error
                time.sleep(min(2**look, 30))
        raise Trouble(f"{method} {path}: {trouble}; asked {self.patience} times")

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is the operator's
            self.address + path, data=data, headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found


@dataclass
class Release:
    """One release, from the first percent to one serving version."""

    chart: Chart
    judge: Judge
    name: str
    model: str
    stable: str
    canary: str
    say: Callable[[str], None]
    settle: float  # seconds that a gateway may take to follow a change of the route
    steps: list[str] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)

    def run(self, interval: float, deadline: float) -> str:
        """Return promote, rollback or inconclusive; at its return one version serves."""
        try:
            verdict = self._follow(interval, deadline)
        except BaseException:
            self.withdraw("the release ended early")
            raise
        if verdict == "promote":
            self._promote()
        else:
            self.withdraw(f"verdict {verdict}")
        return verdict

    def _follow(self, interval: float, deadline: float) -> str:
        """Set the weight that the judge suggests until its verdict is final."""
        self._note(f"{self.canary} beside {self.stable}, without traffic")
        self.chart.set(self.stable, self.canary, 0)
        self.last = self.judge.open(self.model, self.stable, self.canary, self.name)
        weight = 0
        while not self.last["final"]:
            if time.monotonic() > deadline:
                self._note("the time given ran out without a verdict")
                return "inconclusive"
            if self.last["weight"] != weight:
                weight = self.last["weight"]
                self._weigh(weight)
            time.sleep(interval)
            self.last = self.judge.verdict(self.name)
        verdict: str = self.last["verdict"]
        return verdict if verdict in CODES else "inconclusive"

    def _weigh(self, weight: int) -> None:
        self._note(f"{weight} % to {self.canary}")
        self.chart.set(self.stable, self.canary, weight)
        self.judge.tell(self.name, weight)

    def _promote(self) -> None:
        """All traffic to the canary while the stable one is replaced, then the other way round."""
        self._note(f"promote: all to {self.canary}")
        self.chart.set(self.stable, self.canary, 100)
        self.chart.set(self.canary, self.canary, 100)
        self.withdraw(f"{self.canary} is the stable version", stable=self.canary)

    def withdraw(self, why: str, stable: str | None = None) -> None:
        """Weight 0 first: a route that names a backend that has gone answers its share with 500."""
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)  # a cancelled job is told to stop twice
        kept = stable or self.stable
        self._note(f"{why}: all to {kept}, the canary goes")
        self.chart.set(kept, self.canary, 0, wait=False)
        time.sleep(self.settle)
        self.chart.set(kept, None, 0, wait=False)

    def _note(self, step: str) -> None:
        self.steps.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {step}")
        self.say(step)


def report(release: Release, outcome: str) -> str:
    """Return the release as Markdown, for the job's summary and the pull request."""
    last = release.last
    lines = [f"## {release.model}: {release.stable} → {release.canary}: {outcome}", ""]
    lines += [f"- {reason}" for reason in last.get("reasons", [])]
    lines += ["", f"{last.get('blocks', 0)} blocks, rollout `{release.name}`.", ""]
    lines += [
        "| metric | stable | canary | canary less stable | evidence of harm | of safety |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(metric) for metric in last.get("metrics", {}).values()]
    return "\n".join([*lines, "", "```text", *release.steps, "```", ""])


def _row(metric: dict[str, Any]) -> str:
    cells = [metric["name"], *(_value(metric[key]) for key in ("stable", "canary", "difference"))]
    for side in ("harm", "safe"):
        evidence, bar = _number(metric[f"e_{side}"]), _number(metric[f"{side}_bar"])
        cells.append(f"{evidence} ({bar} suffices)")
    return "| " + " | ".join(cells) + " |"


def _value(value: dict[str, Any]) -> str:
    number, lower, upper = (value.get(key) for key in ("value", "lower", "upper"))
    if number is None:
        return str(value.get("state", "unknown"))
    return f"{number:.4g} ({_number(lower)} to {_number(upper)})"


def _number(number: float | None) -> str:
    return "-" if number is None else f"{number:.3g}"


def _arguments() -> argparse.Namespace:
    first = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(description=first)
    for name in ("release", "model", "stable", "canary", "monitor"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--namespace", default="timonel")
    parser.add_argument("--chart", default="helm/timonel")
    parser.add_argument(
        "--values", action="append", default=[], help="a values file; may be repeated"
    )
    parser.add_argument("--canary-set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--id", help="names the rollout; default RELEASE-CANARY")
    parser.add_argument("--interval", type=float, default=30, help="seconds between two looks")
    parser.add_argument("--deadline", type=float, default=5 * 3600, help="seconds for the whole")
    parser.add_argument("--helm-timeout", default="10m")
    parser.add_argument("--patience", type=int, default=8, help="looks in a row that may fail")
    parser.add_argument("--settle", type=float, default=5, help="seconds a gateway takes to follow")
    parser.add_argument("--withdraw", action="store_true", help="only take the canary away")
    parser.add_argument("--report", type=Path, default=Path("release.md"))
    return parser.parse_args()


def _stopped(number: int, _frame: object) -> None:
    raise Trouble(f"stopped by signal {number}")


def main() -> int:
    """Run the release that the command line describes."""
    asked = _arguments()
    for number in STOPS:
        signal.signal(number, _stopped)
    chart = Chart(
        asked.release,
        asked.namespace,
        asked.chart,
        tuple(asked.values),
        asked.helm_timeout,
        tuple(asked.canary_set),
    )
    judge = Judge(asked.monitor.rstrip("/"), os.environ.get("TIMONEL_TOKEN"), asked.patience)
    name = asked.id or f"{asked.release}-{asked.canary}"
    release = Release(
        chart, judge, name, asked.model, asked.stable, asked.canary, _say, asked.settle
    )
    outcome = "error"
    try:
        outcome = _carry_out(release, asked)
    except Trouble as trouble:
        release.steps.append(f"error: {trouble}")
        print(f"error: {trouble}", file=sys.stderr)
    finally:
        asked.report.write_text(report(release, outcome))
    return CODES.get(outcome, 1)


def _carry_out(release: Release, asked: argparse.Namespace) -> str:
    if asked.withdraw:
        release.withdraw("the release was cancelled")
        return "rollback"
    return release.run(asked.interval, time.monotonic() + asked.deadline)


def _say(step: str) -> None:
    print(step, flush=True)


if __name__ == "__main__":
    sys.exit(main())
