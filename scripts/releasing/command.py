"""The command line: a whole release, or one step of it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from releasing.chart import Chart
from releasing.judge import Judge
from releasing.moves import Moves
from releasing.report import report
from releasing.serving import Side
from releasing.steps import NAMES, Steps, code
from releasing.trouble import Trouble
from releasing.verdicts import CODES
from releasing.whole import STOPS, Release, noting


def main(description: str) -> int:
    """Do what the command line describes; its exit code."""
    asked = _arguments(description)
    for number in STOPS:
        signal.signal(number, _stopped)
    steps: list[str] = []
    moves = Moves(_chart(asked), asked.settle, noting(steps))
    judge = Judge(asked.monitor.rstrip("/"), os.environ.get("TIMONEL_TOKEN"), asked.patience)
    try:
        return (_step if asked.step else _whole)(asked, moves, judge, steps)
    except Trouble as trouble:
        print(f"error: {trouble}", file=sys.stderr)
        return 1


def _whole(asked: argparse.Namespace, moves: Moves, judge: Judge, steps: list[str]) -> int:
    if asked.stable is None:
        raise Trouble("--stable is missing: name the version that serves now")
    release = Release(
        moves, judge, _name(asked), asked.model, Side(asked.stable), _canary(asked), steps
    )
    outcome = "error"
    try:
        outcome = _carry_out(release, asked)
    except Trouble as trouble:
        steps.append(f"error: {trouble}")
        raise
    finally:
        title = f"{asked.model}: {asked.stable} → {asked.canary}: {outcome}"
        asked.report.write_text(report(title, release.name, release.last, steps))
    return CODES[outcome]


def _carry_out(release: Release, asked: argparse.Namespace) -> str:
    if asked.withdraw:
        release.withdraw("the release was cancelled")
        return "rollback"
    return release.run(asked.interval, time.monotonic() + asked.deadline)


def _step(asked: argparse.Namespace, moves: Moves, judge: Judge, notes: list[str]) -> int:
    canary = _canary(asked)
    steps = Steps(moves, judge, _name(asked), asked.model, canary, asked.weight, notes)
    outputs = NAMES[asked.step](steps)
    for name, value in outputs.items():
        print(f"{name}: {value}", flush=True)
    if asked.outputs is None:
        return code(outputs)
    asked.outputs.mkdir(parents=True, exist_ok=True)
    for name, value in outputs.items():
        (asked.outputs / name).write_text(value)
    return 0


def _name(asked: argparse.Namespace) -> str:
    return asked.id or f"{asked.release}-{asked.canary}"


def _chart(asked: argparse.Namespace) -> Chart:
    others = [one for one in asked.canary_set if one.partition("=")[0] not in _PACKAGE]
    values = tuple(asked.values)
    times = (asked.helm_timeout, tuple(others), asked.stuck)
    return Chart(asked.release, asked.namespace, asked.chart, values, *times)


_PACKAGE = ("canary.storageUri", "canary.digest")


def _canary(asked: argparse.Namespace) -> Side:
    """What is not said is left to the values files; without them to nothing that an earlier canary had."""
    said = dict(one.partition("=")[::2] for one in asked.canary_set)
    uri, digest = (said.get(key, None if asked.values else "") for key in _PACKAGE)
    return Side(asked.canary, uri, digest)


def _arguments(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "step", nargs="?", choices=list(NAMES), help="one step alone; default: the whole release"
    )
    for name in ("release", "model", "canary", "monitor"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--stable", help="the version that serves; a step reads it")
    parser.add_argument("--namespace", default="timonel")
    parser.add_argument("--chart", default="helm/timonel")
    parser.add_argument("--canary-set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--id", help="names the rollout; default RELEASE-CANARY")
    _add_times(parser)
    parser.add_argument("--withdraw", action="store_true", help="only take the canary away")
    parser.add_argument("--report", type=Path, default=Path("release.md"))
    parser.add_argument("--weight", type=int, help="of the step weigh, in percent")
    parser.add_argument(
        "--outputs", type=Path, help="a folder: a step writes what it found, and exits with 0"
    )
    parser.add_argument(
        "--values",
        action="append",
        default=[],
        help="a values file; may be repeated; without one the deployed values are kept",
    )
    return parser.parse_args()


def _add_times(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--interval", type=float, default=30, help="seconds between two looks")
    parser.add_argument("--deadline", type=float, default=5 * 3600, help="seconds for the whole")
    parser.add_argument("--helm-timeout", default="10m")
    parser.add_argument(
        "--stuck", type=float, default=60, help="seconds after which another's upgrade is undone"
    )
    parser.add_argument("--patience", type=int, default=8, help="looks in a row that may fail")
    parser.add_argument("--settle", type=float, default=5, help="seconds a gateway takes to follow")


def _stopped(number: int, _frame: object) -> None:
    raise Trouble(f"stopped by signal {number}")
