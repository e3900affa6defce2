"""Every incident from healthy to recovered, with no hand on it: diagnosed, acted on, and over."""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from drill import Drilled, drill
from world import World

from timonel.diagnosis import Cause
from timonel.faults import INCIDENTS, Severity


def main() -> None:
    """Drill, print a table; exit code 1 if the model was changed where it should not have been."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", default="", help="incidents whose name holds this")
    options.add_argument("--severity", type=Severity, default=Severity.HIGH)
    options.add_argument("--seed", type=int, default=41_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = World.made(Path(folder))
        print(
            "| incident | diagnosis | done | after | log loss before, during, after | cost a row | over |"
        )
        print("|---|---|---|---|---|---|---|")
        found = []
        for k, name in enumerate(INCIDENTS):
            if given.only in name:
                found.append(drill(world, name, given.severity, given.seed + k))
                print(row(found[-1]), flush=True)
    sys.exit(report(found))


def row(one: Drilled) -> str:
    """One line of the table."""
    log_loss, cost = (
        ", ".join(f"{part[k].value:.3f}" for part in (one.before, one.during, one.after))
        for k in range(2)
    )
    rest = "benign" if one.truth is Cause.BENIGN else "did not hurt"
    over = {True: "yes", False: "**no**", None: rest}[one.recovered]
    mark = "" if one.right else " **(harmful)**" if one.harmful else " **(missed)**"
    answers = [f"{n} x {a.value}" if n > 1 else a.value for a, n in Counter(one.answers).items()]
    done = ", ".join(answers).replace("_", " ") or "nothing"
    day = "" if one.day is None else f"day {one.day}"
    cause = one.cause.replace("_", " ")
    return f"| {one.incident} | {cause} | {done}{mark} | {day} | {log_loss} | {cost} | {over} |"


def report(found: list[Drilled]) -> int:
    """The totals; the exit code."""
    hurt = [one for one in found if one.recovered is not None]
    harmful = [one.incident for one in found if one.harmful]
    named = f" ({', '.join(harmful)})" if harmful else ""
    right, over = sum(one.right for one in found), sum(bool(one.recovered) for one in hurt)
    print(
        f"\n{len(found)} incidents: {right} answered rightly, {len(harmful)} changed the model where"
        f" they should not{named}; {over} of {len(hurt)} that hurt were over;"
        f" {sum(one.seconds for one in found):.0f} s"
    )
    return 1 if harmful else 0


if __name__ == "__main__":
    main()
