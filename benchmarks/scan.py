"""False alarms of `Scan` on seasonal, autocorrelated traffic without drift, and how fast it finds one.

    python benchmarks/scan.py [--quick] [--tables main harder]

30 features, 4 of them categorical, in 15-minute windows. Volume follows the time of day and halves at
weekends; each feature has its own daily swing and weekend level, and its mean wanders: half of that it shares
with all others. Rows are drawn one by one, correlated across features. The scan is fitted on the first weeks
and judges the year that follows, of which it has seen nothing.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from timonel.drift import History, Scan
from timonel.drift.scan.calibration import Calibration
from timonel.drift.scan.replay import poisson_interval
from timonel.drift.scan.thresholds import Limits, peaks
from timonel.drift.scan.windows import DAY, HOUR, WINDOW, slots
from timonel.drift.scan.yardstick import Yardstick
from timonel.reference.bins import CELLS, NULL, Bins, CategoryBins, NumericBins

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]
START = 1_767_571_200_000_000
"""A Monday."""
A_DAY = DAY // WINDOW
LEVELS = (-0.25, 0.5, 1.0, 1.5)
"""A categorical feature is a number cut here."""
CATEGORIES = ("a", "b", "c", "d", "e")


@dataclass(frozen=True)
class Traffic:
    """What the traffic is like; means and swings in standard deviations of a feature's rows."""

    features: int = 30
    categorical: int = 4
    rows: int = 250
    """Expected in a window of a weekday."""
    season: float = 0.3
    """The largest daily swing; twice the standard deviation of the weekends' level."""
    wander: float = 0.05
    """The standard deviation of the wandering of a feature's mean, an AR(1)."""
    memory: float = 0.9
    """Its autocorrelation from one window to the next."""
    correlation: float = 0.5
    """Of the features of one row."""

    def draw(self, days: int, seed: int) -> "Drawn":
        """Some days of it."""
        rng = np.random.default_rng(seed)
        time = START + np.arange(days * A_DAY, dtype=np.int64) * WINDOW
        day = 2 * np.pi * (time % DAY) / DAY
        weekend = slots(time) >= 24
        volume = self.rows * (1 + 0.7 * np.sin(day - 2 * np.pi * 9 / 24)) * (1 - weekend / 2)
        swing, phase = rng.uniform(0, self.season, self.features), rng.uniform(0, 7, self.features)
        means = swing * np.sin(day[:, None] + phase)
        means += rng.normal(0, self.season / 2, self.features) * weekend[:, None]
        means += math.sqrt(0.5) * self._wandering(len(time), 1, rng)
        means += math.sqrt(0.5) * self._wandering(len(time), self.features, rng)
        bins = self._bins(means[: 28 * A_DAY], rng)
        return Drawn(self, time, rng.poisson(volume), means, bins)

    def _wandering(self, steps: int, series: int, rng: np.random.Generator) -> Floats:
        values = rng.normal(0, self.wander, (steps, series))
        values[1:] *= math.sqrt(1 - self.memory**2)
        for step in range(1, steps):
            values[step] += self.memory * values[step - 1]
        return values

    def _bins(self, means: Floats, rng: np.random.Generator) -> tuple[Bins, ...]:
        rows = means[rng.integers(0, len(means), 20_000)] + rng.normal(size=(20_000, self.features))
        numeric = self.features - self.categorical
        return tuple(
            NumericBins.fit(f"x{j}", rows[:, j])
            if j < numeric
            else CategoryBins(f"c{j}", CATEGORIES)
            for j in range(self.features)
        )


@dataclass(frozen=True)
class Drawn:
    """Traffic whose volume and means are known, its rows not yet drawn."""

    traffic: Traffic
    time: NDArray[np.int64]
    rows: NDArray[np.int64]
    means: Floats
    bins: tuple[Bins, ...]

    def history(self, rng: np.random.Generator) -> History:
        """Its windows."""
        weeks = range(0, len(self.time), 7 * A_DAY)
        counts = [self._count(slice(a, a + 7 * A_DAY), rng) for a in weeks]
        return History(self.time, np.concatenate(counts), self.bins)

    def part(self, windows: slice, feature: int, shift: Floats | None = None) -> "Drawn":
        """One feature in some windows, its mean moved."""
        means = self.means[windows, feature : feature + 1]
        return Drawn(
            self.traffic,
            self.time[windows],
            self.rows[windows],
            means if shift is None else means + shift[:, None],
            self.bins[feature : feature + 1],
        )

    def _count(self, windows: slice, rng: np.random.Generator) -> Counts:
        rows, means = self.rows[windows], self.means[windows].astype(np.float32)
        window = np.repeat(np.arange(len(rows)), rows)
        own = math.sqrt(1 - self.traffic.correlation)
        common = rng.standard_normal(len(window), dtype=np.float32)
        common *= math.sqrt(self.traffic.correlation)
        counts = np.empty((len(rows), len(self.bins), CELLS), dtype=np.int32)
        for j, feature in enumerate(self.bins):
            values = own * rng.standard_normal(len(window), dtype=np.float32)
            values += common + means[window, j]
            edges = feature.edges if isinstance(feature, NumericBins) else np.array(LEVELS)
            cells = edges.astype(np.float32).searchsorted(values, side="right")
            tally = np.bincount(window * CELLS + cells, minlength=len(rows) * CELLS)
            counts[:, j] = tally.reshape(-1, CELLS)
        return counts


@dataclass(frozen=True)
class Year:
    """A fitted scan and the healthy year after its history."""

    drawn: Drawn
    scan: Scan
    fit: History
    after: History

    @classmethod
    def of(cls, traffic: Traffic, fit_days: int, days: int, seed: int) -> "Year":
        """Draw and fit."""
        drawn = traffic.draw(fit_days + days, seed)
        history = drawn.history(np.random.default_rng([seed, 1]))
        fit = history.take(slice(0, fit_days * A_DAY))
        return cls(drawn, Scan.fit(fit), fit, history.take(slice(fit_days * A_DAY, None)))


def per_month(count: int, days: float) -> str:
    """A rate in 30 days and its exact 95 % interval."""
    low, high = poisson_interval(count)
    return f"{count * 30 / days:.2f} ({low * 30 / days:.2f} to {high * 30 / days:.2f})"


@dataclass(frozen=True)
class Drift:
    """What happens to one feature: its mean moves, or some of its values go missing."""

    name: str
    shift: float = 0.0
    nulls: float = 0.0
    categorical: bool = False


DRIFTS = (
    Drift("0.15 sd", shift=0.15),
    Drift("0.25 sd", shift=0.25),
    Drift("0.5 sd", shift=0.5),
    Drift("1 sd", shift=1.0),
    Drift("categories, total variation about 0.1", shift=0.27, categorical=True),
    Drift("categories, total variation about 0.25", shift=0.68, categorical=True),
    Drift("5 % nulls", nulls=0.05),
    Drift("20 % nulls", nulls=0.2),
)
BEFORE, WAIT = A_DAY, 5 * A_DAY


def delay(year: Year, drift: Drift, rng: np.random.Generator) -> float | None:
    """Hours from a random onset to the alarm; infinite if not found in 5 days, None if open before."""
    numeric = year.drawn.traffic.features - year.drawn.traffic.categorical
    low, high = (numeric, len(year.drawn.bins)) if drift.categorical else (0, numeric)
    feature = int(rng.integers(low, high))
    onset = int(rng.integers(len(year.fit.time) + BEFORE, len(year.drawn.time) - WAIT))
    windows = slice(onset - BEFORE, onset + WAIT)
    after = (np.arange(BEFORE + WAIT) >= BEFORE).astype(np.float64)
    sign = rng.choice([-1.0, 1.0])
    history = year.drawn.part(windows, feature, sign * drift.shift * after).history(rng)
    if drift.nulls:
        history = lose(history, drift.nulls, BEFORE, rng)
    found = Scan(only(year.scan.calibration, feature)).replay(history)
    return first_after(found.told, int(year.drawn.time[onset]))


def first_after(told: tuple[object, ...], onset: int) -> float | None:
    """Hours to the first episode that opens after the onset; None if one is open at the onset."""
    is_open = False
    for episode in told:
        if episode.updated <= onset:
            is_open = episode.state.value != "cleared"
        elif episode.state.value == "open":
            return (episode.opened - onset) / HOUR
        elif is_open:
            return None
    return None if is_open else math.inf


def lose(history: History, share: float, onset: int, rng: np.random.Generator) -> History:
    """Values that go missing from the onset on."""
    counts = history.counts.copy()
    lost = rng.binomial(counts[onset:, :, :NULL], share)
    counts[onset:, :, :NULL] -= lost.astype(np.int32)
    counts[onset:, :, NULL] += lost.sum(2).astype(np.int32)
    return History(history.time, counts, history.bins)


def only(calibration: Calibration, feature: int) -> Calibration:
    """The calibration of one feature, its threshold that of the whole family."""
    one, own = slice(feature, feature + 1), calibration.tracks == feature
    limits = calibration.limits
    return replace(
        calibration,
        bins=calibration.bins[one],
        yardstick=Yardstick(calibration.yardstick.counts[:, one]),
        limits=Limits(limits.floor[own], limits.steady[own], limits.chance[own]),
        gates=calibration.gates[one],
        span=None,
    )


# What others do: a reference without seasons, each window on its own


def kolmogorov(counts: Counts, reference: NDArray[np.int64], alpha: float) -> NDArray[np.bool_]:
    """Windows in which any numeric feature's KS test is below alpha / F; D on the bins, so too small."""
    n, m = counts.sum(2), reference.sum(1)
    found = np.cumsum(counts, 2) / np.maximum(n, 1)[..., None]
    expected = np.cumsum(reference, 1) / m[:, None]
    root = np.sqrt(n * m / np.maximum(n + m, 1))
    x = (root + 0.12 + 0.11 / np.maximum(root, 1e-9)) * np.abs(found - expected).max(2)
    p = 2 * sum((-1) ** (k - 1) * np.exp(-2 * k * k * x * x) for k in range(1, 20))
    return np.asarray(((p < alpha / len(reference)) & (x > 0.5)).any(1))


def stability(counts: Counts, reference: NDArray[np.int64], limit: float) -> NDArray[np.bool_]:
    """Windows in which any numeric feature's PSI on deciles is above the limit."""
    deciles = (*counts.shape[:2], 10, 4)
    seen = counts[..., :40].reshape(deciles).sum(3) + 0.5
    usual = reference[:, :40].reshape(-1, 10, 4).sum(2) + 0.5
    p, q = seen / seen.sum(2, keepdims=True), usual / usual.sum(1, keepdims=True)
    return np.asarray((((p - q) * np.log(p / q)).sum(2) > limit).any(1))


OTHERS: dict[str, Callable[[Counts, NDArray[np.int64]], NDArray[np.bool_]]] = {
    "KS, Bonferroni, p < .05": lambda counts, usual: kolmogorov(counts, usual, 0.05),
    "KS, Bonferroni, p < .001": lambda counts, usual: kolmogorov(counts, usual, 0.001),
    "PSI > .1": lambda counts, usual: stability(counts, usual, 0.1),
    "PSI > .25": lambda counts, usual: stability(counts, usual, 0.25),
}


def others(year: Year) -> dict[str, tuple[int, int]]:
    """Windows and runs of windows that alarm in the first 30 days after the fit."""
    numeric = year.drawn.traffic.features - year.drawn.traffic.categorical
    usual = year.fit.counts[:, :numeric].sum(0, dtype=np.int64)
    month = year.after.counts[: 30 * A_DAY, :numeric]
    found = {}
    for name, judge in OTHERS.items():
        alarmed = judge(month, usual)
        found[name] = int(alarmed.sum()), len(peaks(alarmed * 2.0))
    return found


def main_tables(seeds: int, days: int, runs: int) -> Iterator[str]:
    """The false alarms, the others' and the delays, over several years."""
    episodes, held_out, delays, rest = 0, 0, {d.name: [] for d in DRIFTS}, []
    for seed in range(seeds):
        year = Year.of(Traffic(), 56, days, seed)
        episodes += len(year.scan.replay(year.after).episodes)
        held_out += len(year.scan.replay(year.fit).episodes)
        rest.append(others(year))
        rng = np.random.default_rng([seed, 2])
        for drift in DRIFTS:
            delays[drift.name] += [delay(year, drift, rng) for _ in range(runs // seeds)]
    yield "| | years | episodes | in 30 days |"
    yield "|---|---|---|---|"
    yield f"| after the fit | {seeds} x {days} days | {episodes} | {per_month(episodes, days * seeds)} |"
    yield (
        f"| the fit's own weeks, each without itself | {seeds} x 56 days | {held_out} |"
        f" {per_month(held_out, 56 * seeds)} |"
    )
    yield ""
    yield from other_rows(rest)
    yield ""
    yield from delay_rows(delays)


def other_rows(rest: list[dict[str, tuple[int, int]]]) -> Iterator[str]:
    """The alarms of single windows against a plain reference, a month of each seed."""
    yield "| a window by itself | windows that alarm, of 2,880 in 30 days | alarms, a run of windows as one |"
    yield "|---|---|---|"
    for name in OTHERS:
        windows, runs = (np.array([found[name][i] for found in rest]) for i in (0, 1))
        yield (
            f"| {name} | {windows.mean():,.0f} ({windows.min():,} to {windows.max():,}) |"
            f" {runs.mean():,.0f} ({runs.min():,} to {runs.max():,}) |"
        )


def delay_rows(delays: dict[str, list[float | None]]) -> Iterator[str]:
    """Medians with a 95 % interval from order statistics."""
    yield "| drift in one feature | runs | found in 1 h | in 6 h | in 5 days | median delay | 90 % delay |"
    yield "|---|---|---|---|---|---|---|"
    for name, found in delays.items():
        x = np.sort([h for h in found if h is not None])
        half = 0.98 * math.sqrt(len(x))
        middle = [x[int(np.clip(len(x) / 2 + side * half, 0, len(x) - 1))] for side in (0, -1, 1)]
        shares = " | ".join(f"{(x <= limit).mean():.0%}" for limit in (1, 6, 120))
        yield (
            f"| {name} | {len(x)} | {shares} | {hours(middle[0])} ({hours(middle[1])} to"
            f" {hours(middle[2])}) | {hours(x[int(0.9 * len(x))])} |"
        )


def hours(x: float) -> str:
    """A delay as a person says it."""
    if not math.isfinite(x):
        return "more than 5 days"
    return f"{x * 60:.0f} min" if x < 2 else f"{x:.3g} h"


HARDER = {
    "as above": (Traffic(), 56),
    "fitted on 28 days": (Traffic(), 28),
    "50 rows in a window": (Traffic(rows=50), 56),
    "10 rows in a window": (Traffic(rows=10), 56),
    "2,000 rows in a window, 10 features": (Traffic(rows=2_000, features=10, categorical=2), 56),
    "twice the wandering (0.1 sd)": (Traffic(wander=0.1), 56),
    "long memory (0.98 a window)": (Traffic(memory=0.98), 56),
    "very long memory (0.995 a window)": (Traffic(memory=0.995), 56),
    "twice the seasons": (Traffic(season=0.6), 56),
    "one feature": (Traffic(features=1, categorical=0), 56),
}


def harder_rows(seeds: int, days: int, runs: int) -> Iterator[str]:
    """Other kinds of traffic."""
    yield "| traffic | days | episodes in 30 days (95 %) | median delay, 0.5 sd | median delay, 0.25 sd |"
    yield "|---|---|---|---|---|"
    for name, (traffic, fit_days) in HARDER.items():
        episodes, delays = 0, {d.name: [] for d in DRIFTS[1:3]}
        for seed in range(seeds):
            year = Year.of(traffic, fit_days, days, 100 + seed)
            episodes += len(year.scan.replay(year.after).episodes)
            rng = np.random.default_rng([seed, 3])
            for drift in DRIFTS[1:3]:
                delays[drift.name] += [delay(year, drift, rng) for _ in range(runs // seeds)]
        medians = {
            n: np.median([h for h in x if h is not None] or [np.inf]) for n, x in delays.items()
        }
        yield (
            f"| {name} | {seeds} x {days} | {per_month(episodes, seeds * days)} |"
            f" {hours(medians['0.5 sd'])} | {hours(medians['0.25 sd'])} |"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter years")
    parser.add_argument("--tables", nargs="+", default=["main", "harder"])
    arguments = parser.parse_args()
    seeds, days, runs = (2, 90, 100) if arguments.quick else (4, 365, 400)
    lines = {
        "main": main_tables(seeds, days, runs),
        "harder": harder_rows(seeds // 2, days // 2, runs // 2),
    }
    for name in arguments.tables:
        for line in lines[name]:
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
