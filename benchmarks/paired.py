"""What paired labels are worth: a canary that is wrong one point more often, found by pairs and without them.

    python benchmarks/paired.py [--quick] [--runs N]

Made-up labelled rows, 10 % of which the champion gets wrong. Both versions score the same rows: of 100 rows
the canary alone gets 2 wrong that the champion gets right, and in an equal canary as many the other way
round; a worse one has one more (+1 percentage point). Labels come in blocks of 250. Paired: every row counts
for both versions. Unpaired: the same judge on the rows that each version served itself, the canary 5 or 50 %.
Both at alpha .05 and at every look; a run ends at 40,000 labels.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from timonel.canary import Metric
from timonel.canary.counted import Counted, fold, harm_by_metric
from timonel.canary.paired import PairedSums, log_harm
from timonel.canary.streams import compiled
from timonel.terms import Assignment

BASE, ALONE, WORSE = 0.10, 0.02, 0.01
BLOCK, MOST = 250, 40_000
SLOWER = 5
"""Unpaired runs take so much longer, and are so many fewer."""
BAR = np.log(1 / 0.05)
STREAMS = compiled(
    [Metric("wrong", noise=0.0, base_rate=BASE, margin=0.01)], Assignment.REQUEST, 0.0
)


@dataclass(frozen=True)
class Cell:
    """One row of the table."""

    name: str
    harm: float
    canary: float | None
    """Share of the requests that the canary serves; None: paired."""
    target: str = ""
    least: float = 0.0
    most: float = 1.0


CELLS = (
    Cell("equal, paired", 0.0, None, "at most 5 %", most=0.05),
    Cell("equal, unpaired, 5 %", 0.0, 0.05, "at most 5 %", most=0.05),
    Cell("equal, unpaired, 50 %", 0.0, 0.5, "at most 5 %", most=0.05),
    Cell("+1 point, paired", WORSE, None, "at least 99 %", least=0.99),
    Cell("+1 point, unpaired, 5 %", WORSE, 0.05),
    Cell("+1 point, unpaired, 50 %", WORSE, 0.5),
)


def paired(rng: np.random.Generator, harm: float) -> int | None:
    """Labels until a version is called worse; None: not within the run."""
    sums = PairedSums()
    for n in range(BLOCK, MOST + 1, BLOCK):
        up = int(rng.binomial(BLOCK, ALONE + harm))
        down = int(rng.binomial(BLOCK - up, ALONE / (1 - ALONE - harm)))
        sums = PairedSums(n, sums.only_canary + up, sums.only_stable + down)
        if log_harm(sums, 0.0) >= BAR:
            return n
    return None


def unpaired(rng: np.random.Generator, harm: float, canary: float) -> int | None:
    """The same from the rows that each version served."""
    state = Counted.start(STREAMS)
    for n in range(BLOCK, MOST + 1, BLOCK):
        n_c = int(rng.binomial(BLOCK, canary))
        y_s, y_c = rng.binomial(BLOCK - n_c, BASE), rng.binomial(n_c, BASE + harm)
        state = fold(STREAMS, state, np.array([[BLOCK - n_c, y_s, n_c, y_c]], float))
        if float(harm_by_metric(STREAMS, state)[0]) >= BAR:
            return n
    return None


def measured(cell: Cell, runs: int) -> dict[str, object]:
    """Share of the runs that call the canary worse, and the median of the labels that took."""
    rng = np.random.default_rng(17)
    play: Callable[[], int | None] = (
        (lambda: paired(rng, cell.harm))
        if cell.canary is None
        else (lambda: unpaired(rng, cell.harm, float(cell.canary or 0)))
    )
    ends = [play() for _ in range(runs)]
    found = [n for n in ends if n is not None]
    part = len(found) / runs
    return {
        "cell": cell.name,
        "worse": round(part, 4),
        "median_labels": int(np.median(found)) if cell.harm and found else None,
        "target": cell.target,
        "met": cell.least <= part <= cell.most if cell.target else None,
    }


def main() -> None:
    """Print the table."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--quick", action="store_true")
    given.add_argument("--runs", type=int)
    given.add_argument("--json", action="store_true")
    asked = given.parse_args()
    runs = asked.runs or (200 if asked.quick else 2000)
    found = [measured(cell, runs if cell.canary is None else runs // SLOWER) for cell in CELLS]
    if asked.json:
        print(json.dumps(found))
        return
    print(f"{runs:,} runs a paired cell, {runs // SLOWER:,} an unpaired one\n")
    print("| cell | called worse | median labels | target | |\n|---|---|---|---|---|")
    for one in found:
        met = {None: "", True: "met", False: "MISSED"}[one["met"]]  # type: ignore[index]
        labels = "" if one["median_labels"] is None else f"{one['median_labels']:,}"
        print(f"| {one['cell']} | {one['worse']:.1%} | {labels} | {one['target']} | {met} |")
    if any(one["met"] is False for one in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
