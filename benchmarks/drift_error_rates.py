"""How often `two_sample` alarms, without drift and with: a Markdown table with 95 % intervals.

    python benchmarks/drift_error_rates.py [--runs 2000]

28 features, 24 numeric and 4 categorical, independent or correlated (a common factor, correlation .8);
three numeric columns are rounded, three miss 2 % of their values, one is mostly zero, one categorical is
a rare yes. Every run draws its own reference. The corrections are compared on the same p-values.
"""

import argparse
import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from timonel.drift import SortedReference, two_sample
from timonel.drift.corrections import holm

Floats = NDArray[np.float64]
Table = dict[str, NDArray[np.generic]]
ALPHA = 0.05
NUMERIC, CATEGORICAL = 24, 4
LEVELS = np.array([0.5, 0.8, 0.95, 0.99, 1.0])
GRID = np.linspace(-6, 6, 4001)
NORMAL = np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in GRID])
BASE_RATES = (0.2, 0.1, 0.05)


def hochberg(p: Floats) -> Floats:
    """Hochberg (1988), Biometrika 75(4): the step-up twin of Holm."""
    order = np.argsort(p)
    scaled = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return corrected


def simes(p: Floats) -> Floats:
    """Simes (1986), the same for each feature: the alarm of Hommel's procedure."""
    return np.full_like(p, (np.sort(p) * len(p) / np.arange(1, len(p) + 1)).min())


def cauchy(p: Floats) -> Floats:
    """The Cauchy combination of all p-values (Liu & Xie 2020), the same for each feature."""
    statistic = np.tan((0.5 - np.clip(p, 1e-15, 1 - 1e-12)) * math.pi).mean()
    return np.full_like(p, 0.5 - math.atan(statistic) / math.pi)


METHODS: dict[str, Callable[[Floats], Floats]] = {
    "none": lambda p: p,
    "Holm": holm,
    "Hochberg": hochberg,
    "Hommel": simes,
    "Cauchy": cauchy,
}


def draw(rng: np.random.Generator, rows: int, factor: float, base_rate: float = 0.05) -> Table:
    """A table; `factor` is the correlation of the latent normals."""
    common = rng.normal(size=(rows, 1)) * math.sqrt(factor)
    latent = common + rng.normal(size=(rows, NUMERIC + CATEGORICAL)) * math.sqrt(1 - factor)
    table: Table = {f"x{i}": latent[:, i] for i in range(NUMERIC)}
    for i in range(3):
        table[f"x{i}"] = np.round(latent[:, i], 1)
        table[f"x{i + 3}"] = np.where(rng.random(rows) < 0.02, np.nan, latent[:, i + 3])
    table["x6"] = np.maximum(latent[:, 6] - 1, 0)
    for i in range(CATEGORICAL - 1):
        place = _normal_cdf(latent[:, NUMERIC + i])
        table[f"c{i}"] = np.array(list("abcde"))[LEVELS.searchsorted(place)]
    rare = _normal_cdf(latent[:, -1]) < base_rate
    table["c3"] = np.where(rare, "yes", "no")
    return table


def _normal_cdf(x: Floats) -> Floats:
    return np.interp(x, GRID, NORMAL)


def p_values(reference: Table, window: Table) -> Floats:
    """The features' p-values before correction."""
    report = two_sample(SortedReference.fit(reference), window, ALPHA)
    return np.array([feature.p for feature in report.features], dtype=np.float64)


def alarms(p: Floats) -> list[bool]:
    """Whether each correction alarms."""
    return [bool((correct(p) <= ALPHA).any()) for correct in METHODS.values()]


def wilson(hits: int, runs: int) -> str:
    """A share with its 95 % interval (Wilson 1927)."""
    z, p = 1.959964, hits / runs
    middle = (p + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z / (1 + z * z / runs) * math.sqrt(p * (1 - p) / runs + z * z / (4 * runs**2))
    return f"{p:.1%} ({middle - half:.1%} to {middle + half:.1%})"


def row(name: str, runs: int, one: Callable[[np.random.Generator], list[bool]]) -> str:
    """One line of the table."""
    hits = np.zeros(len(METHODS), dtype=int)
    for seed in range(runs):
        hits += one(np.random.default_rng([seed, *name.encode()]))
    return f"| {name} | {' | '.join(wilson(int(h), runs) for h in hits)} |"


def no_drift(rows_reference: int, rows: int, factor: float) -> Callable[..., list[bool]]:
    """Reference and window from one distribution."""

    def one(rng: np.random.Generator) -> list[bool]:
        return alarms(p_values(draw(rng, rows_reference, factor), draw(rng, rows, factor)))

    return one


def shifted(rows_reference: int, rows: int, by: float, factor: float) -> Callable[..., list[bool]]:
    """One numeric column of 28 moves by so many standard deviations."""

    def one(rng: np.random.Generator) -> list[bool]:
        window = draw(rng, rows, factor)
        window["x20"] = window["x20"] + by
        return alarms(p_values(draw(rng, rows_reference, factor), window))

    return one


def halved(rows_reference: int, rows: int, rate: float) -> Callable[..., list[bool]]:
    """The share of "yes" in a column correlated with the others falls to its half."""

    def one(rng: np.random.Generator) -> list[bool]:
        return alarms(
            p_values(draw(rng, rows_reference, 0.8, rate), draw(rng, rows, 0.8, rate / 2))
        )

    return one


def nulls(rows_reference: int, rows: int) -> Callable[..., list[bool]]:
    """A column without missing values misses 2 % of them."""

    def one(rng: np.random.Generator) -> list[bool]:
        window = draw(rng, rows, 0.0)
        window["x20"] = np.where(rng.random(rows) < 0.02, np.nan, window["x20"])
        return alarms(p_values(draw(rng, rows_reference, 0.0), window))

    return one


def table(runs: int, scenarios: list[str]) -> Iterator[str]:
    """The lines, each as soon as it is known."""
    yield f"| scenario (reference, window) | {' | '.join(METHODS)} |"
    yield "|---" * (len(METHODS) + 1) + "|"
    if "level" in scenarios:
        for factor, name in ((0.0, "independent"), (0.8, "correlated")):
            for rows in (200, 1_000, 10_000):
                for before in dict.fromkeys((10_000, rows)):
                    title = f"no drift, {name} ({before:,}, {rows:,})"
                    yield row(title, runs, no_drift(before, rows, factor))
    if "power" in scenarios:
        few = max(100, runs // 4)
        for before in (10_000, 500):
            yield row(f"0.5 sd in 1 of 28 ({before:,}, 500)", few, shifted(before, 500, 0.5, 0.0))
        yield row("0.25 sd in 1 of 28 (10,000, 500)", few, shifted(10_000, 500, 0.25, 0.0))
        for rate in BASE_RATES:
            for before in (10_000, 1_000):
                name = f"base rate {rate:.0%} halved, correlated ({before:,}, 1,000)"
                yield row(name, few, halved(before, 1_000, rate))
        yield row("2 % nulls in 1 of 28 (10,000, 1,000)", few, nulls(10_000, 1_000))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--scenarios", nargs="+", default=["level", "power"])
    arguments = parser.parse_args()
    for line in table(arguments.runs, arguments.scenarios):
        print(line, flush=True)


if __name__ == "__main__":
    main()
