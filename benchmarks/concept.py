"""How rarely the concept detectors are wrong and how fast they are right: Markdown tables.

    python benchmarks/concept.py [--quick]

Many streams are simulated at once with a seed. A run that has not alarmed is cut off, so the mean run length
shown is a lower bound of the true one. ADWIN is shown if river is installed.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from timonel.drift.concept import ADWIN
from timonel.drift.concept.binomial import upper_limit
from timonel.drift.concept.esr import CONFIDENCE, ODDS_RATIOS
from timonel.performance.vintage import matured

Floats = NDArray[np.float64]
LEARN = 1000
CUT = 5
"""Runs are cut off at this many times the run length asked for."""
CHUNK = 256
RUNS = (
    "| run length asked for | error rate | baseline | runs | mean run length, cut off at 5 times"
    " | alarm before the length asked for | alarm before the cut |"
)
DELAYS = (
    "| detector | error rate | runs | alarm before the change | found in 5,000 | median delay"
    " | 90 % delay |"
)
LATE = "| order | error rate | runs | mean run length | alarm before 10,000 |"
HEALTHY = 3000
"""Losses before the change, where a delay is measured."""


@dataclass
class Streams:
    """Many ESR detectors side by side, each with its own baseline: the same sums as `ESR`, vectorised."""

    right: Floats
    slope: Floats
    evidence: Floats
    threshold: float

    @classmethod
    def of(cls, baselines: Floats, threshold: float) -> "Streams":
        """Detectors that have seen nothing yet, one a baseline."""
        ratio = np.array(ODDS_RATIOS)[:, None]
        q = ratio * baselines / (1 - baselines + ratio * baselines)
        right = (1 - q) / (1 - baselines)
        return cls(right, q / baselines - right, np.zeros_like(q), threshold)

    def step(self, losses: Floats) -> NDArray[np.bool_]:
        """Take one loss a stream; which streams alarm."""
        self.evidence = (self.evidence + 1) * (self.right + self.slope * losses)
        return self.evidence.mean(axis=0) >= self.threshold

    def keep(self, alive: NDArray[np.bool_]) -> None:
        """Drop the streams that are done."""
        self.right, self.slope = self.right[:, alive], self.slope[:, alive]
        self.evidence = self.evidence[:, alive]


Draw = Callable[[int, int], Floats]
"""(first index, streams) -> losses of shape (CHUNK, streams)."""


def bernoulli(rate: float, rng: np.random.Generator) -> Draw:
    """Independent errors of one rate."""
    return lambda start, n: (rng.random((CHUNK, n)) < rate).astype(np.float64)


def changing(before: float, after: float, rng: np.random.Generator) -> Draw:
    """Independent errors whose rate changes after HEALTHY losses."""

    def draw(start: int, n: int) -> Floats:
        rate = np.where(np.arange(start, start + CHUNK) < HEALTHY, before, after)[:, None]
        return (rng.random((CHUNK, n)) < rate).astype(np.float64)

    return draw


def run_lengths(draw: Draw, baselines: Floats, threshold: float, cap: int) -> Floats:
    """The index (from 1) of each stream's first alarm; `cap` where there is none."""
    lengths = np.full(len(baselines), float(cap))
    streams, living = Streams.of(baselines, threshold), np.arange(len(baselines))
    for start in range(0, cap, CHUNK):
        losses = draw(start, len(living))
        alarmed = np.zeros(len(living), dtype=bool)
        for i, row in enumerate(losses[: cap - start]):
            now = streams.step(row) & ~alarmed
            lengths[living[now]] = start + i + 1
            alarmed |= now
        streams.keep(~alarmed)
        living = living[~alarmed]
        if not len(living):
            break
    return lengths


def learnt_baselines(rate: float, runs: int, rng: np.random.Generator) -> Floats:
    """What `ESR` learns from LEARN errors of this rate, one a run."""
    errors = rng.binomial(LEARN, rate, runs)
    limits = {k: upper_limit(int(k), LEARN, CONFIDENCE) for k in np.unique(errors)}
    return np.array([limits[k] for k in errors])


def baselines_and_threshold(
    rate: float, arl: float, runs: int, learnt: bool, rng: np.random.Generator
) -> tuple[Floats, float]:
    """The detectors' settings, with the baseline given or learnt."""
    if learnt:
        return learnt_baselines(rate, runs, rng), arl / CONFIDENCE
    return np.full(runs, rate), arl


def mean_with_interval(x: Floats) -> str:
    """A mean and its 95 % interval."""
    half = 1.96 * x.std(ddof=1) / np.sqrt(len(x))
    return f"{x.mean():,.0f} ({x.mean() - half:,.0f} to {x.mean() + half:,.0f})"


def run_length_rows(arl: int, runs: int, seed: int) -> Iterator[str]:
    """Rows of the table of run lengths without drift; a learnt run counts its learning too."""
    for rate in (0.01, 0.1, 0.5):
        for learnt in (False, True):
            rng = np.random.default_rng(seed)
            baselines, threshold = baselines_and_threshold(rate, arl, runs, learnt, rng)
            lengths = run_lengths(bernoulli(rate, rng), baselines, threshold, CUT * arl)
            early = (lengths < arl).mean()
            lengths += LEARN * learnt
            yield (
                f"| {arl:,} | {rate} | {'learnt' if learnt else 'given'} | {runs} |"
                f" {mean_with_interval(lengths)} | {early:.1%} | {(lengths < CUT * arl).mean():.1%} |"
            )


def delay_rows(arl: int, runs: int, seed: int) -> Iterator[str]:
    """Rows of the table of delays; runs that alarm before the change are left out and counted."""
    for before, after in ((0.1, 0.15), (0.1, 0.2), (0.01, 0.03), (0.5, 0.6)):
        for learnt in (False, True):
            rng = np.random.default_rng(seed)
            baselines, threshold = baselines_and_threshold(before, arl, runs, learnt, rng)
            found = run_lengths(changing(before, after, rng), baselines, threshold, HEALTHY + 5000)
            early = found <= HEALTHY
            delay = found[~early] - HEALTHY
            yield (
                f"| ESR, baseline {'learnt' if learnt else 'given'} | {before} to {after} | {runs} |"
                f" {early.mean():.1%} | {(delay < 5000).mean():.1%} | {np.median(delay):.0f} |"
                f" {np.quantile(delay, 0.9):.0f} |"
            )


@dataclass(frozen=True)
class Arrivals:
    """Streams of predictions, one a unit of time, whose labels come late, those of errors later."""

    losses: Floats
    delays: Floats

    @classmethod
    def draw(cls, rate: float, n: int, rng: np.random.Generator) -> "Arrivals":
        """Errors of one rate; mean delay 200 for right predictions, 1,000 for wrong ones."""
        losses = (rng.random(n) < rate).astype(np.float64)
        return cls(losses, rng.exponential(np.where(losses > 0, 1000.0, 200.0)))

    def in_arrival_order(self) -> Floats:
        """As labels come: the first ones are nearly all right predictions."""
        return self.losses[np.argsort(np.arange(len(self.losses)) + self.delays)]

    def in_prediction_order(self, age: float) -> Floats:
        """Those that had a label at this age, in the order of the predictions."""
        at = np.arange(len(self.losses), dtype=np.float64)
        return self.losses[matured(at, at + self.delays, age=age, now=float(len(at)))]


def late_label_rows(arl: int, runs: int, seed: int) -> Iterator[str]:
    """Rows of the table under slow labels: matured in prediction order, and as they come."""
    for order in ("prediction", "arrival"):
        for rate in (0.01, 0.1, 0.5):
            rng = np.random.default_rng(seed)
            streams = [Arrivals.draw(rate, CUT * arl, rng) for _ in range(runs)]
            orders = [
                s.in_prediction_order(3000) if order == "prediction" else s.in_arrival_order()
                for s in streams
            ]
            yield late_label_row(
                order, rate, arl, np.stack([o[: CUT * arl - 5000] for o in orders])
            )


def late_label_row(order: str, rate: float, arl: int, losses: Floats) -> str:
    """One row: baselines learnt from each stream's own first losses."""
    errors = losses[:, :LEARN].sum(axis=1).astype(int)
    baselines = np.array([upper_limit(int(k), LEARN, CONFIDENCE) for k in errors])
    rest = losses[:, LEARN:].T
    padded = np.concatenate([rest, np.zeros((CHUNK, len(losses)))])
    living = np.arange(len(losses))
    lengths = np.full(len(losses), float(len(rest)))
    streams = Streams.of(baselines, arl / CONFIDENCE)
    for i, row in enumerate(padded[: len(rest)]):
        now = streams.step(row[living])
        lengths[living[now]] = i + 1
        if now.any():
            streams.keep(~now)
            living = living[~now]
    return (
        f"| {order} | {rate} | {len(losses)} | {mean_with_interval(lengths + LEARN)} |"
        f" {(lengths < arl).mean():.1%} |"
    )


def adwin_rows(runs: int, seed: int) -> Iterator[str]:
    """Rows of the table of delays for ADWIN, and its false alarms in 100,000 losses."""
    for before, after in ((0.1, 0.15), (0.1, 0.2)):
        rng = np.random.default_rng(seed)
        found = np.array([adwin_alarm(before, after, rng) for _ in range(runs)])
        early = found <= HEALTHY
        delay = found[~early] - HEALTHY
        yield (
            f"| ADWIN | {before} to {after} | {runs} | {early.mean():.1%} |"
            f" {(delay < 5000).mean():.1%} | {np.median(delay):.0f} | {np.quantile(delay, 0.9):.0f} |"
        )


def adwin_alarm(before: float, after: float, rng: np.random.Generator) -> int:
    """The index (from 1) of ADWIN's first alarm, the cap where there is none."""
    detector = ADWIN()
    rates = np.repeat([before, after], [HEALTHY, 5000])
    for i, error in enumerate(rng.random(len(rates)) < rates):
        detector.update(float(error))
        if detector.drift_detected:
            return i + 1
    return len(rates)


def show(title: str, header: str, rows: Iterator[str]) -> None:
    """Print a table, a row as soon as it is known."""
    print(f"\n{title}\n\n{header}\n{'|---' * (header.count('|') - 1)}|")
    for row in rows:
        print(row, flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    quick = parser.parse_args().quick
    sizes = (
        ((1000, 500), (10_000, 300)) if quick else ((1000, 4000), (10_000, 2000), (100_000, 400))
    )
    for arl, n in sizes:
        show(f"No drift, {arl:,}", RUNS, run_length_rows(arl, n, seed=1))
    show("Delay at arl=100,000", DELAYS, delay_rows(100_000, 400 if quick else 4000, seed=2))
    if find_spec("river"):
        show("Delay of ADWIN", DELAYS, adwin_rows(50 if quick else 400, seed=3))
    rows = late_label_rows(10_000, 100 if quick else 400, seed=4)
    show("Late labels, arl=10,000, baseline learnt", LATE, rows)


if __name__ == "__main__":
    main()
