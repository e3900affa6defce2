"""Looking up a value's place by arithmetic gives what bisection gives."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from timonel.reference.lookup import Lookup

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

SHAPES: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_cauchy(n) ** 3,
    "skewed": lambda rng, n: rng.lognormal(0, 4, n),
    "whole numbers": lambda rng, n: rng.integers(0, 40, n).astype(np.float64),
    "far from 0": lambda rng, n: 1e15 + rng.integers(0, 99, n),
    "tiny": lambda rng, n: rng.normal(size=n) * 5e-324 * 1000,
    "huge": lambda rng, n: rng.normal(size=n) * 1e308 / 2,
    "two": lambda rng, n: rng.integers(0, 2, n).astype(np.float64),
}


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("count", [0, 1, 2, 9, 39])
def test_the_place_is_that_of_bisection(shape: str, count: int) -> None:
    """Edges themselves, their neighbours, infinities and all between have the very same place."""
    rng = np.random.default_rng(count)
    for _ in range(20):
        values = SHAPES[shape](rng, 2000)
        edges = np.unique(values[:count])
        near = [np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)]
        asked = np.concatenate(
            [values, edges, *near, [np.inf, -np.inf, 0.0, -0.0, 1.7e308, -1.7e308]]
        )
        expected = edges.searchsorted(asked, side="right")
        np.testing.assert_array_equal(Lookup(edges).codes(asked), expected)
        np.testing.assert_array_equal(Lookup(edges).codes(asked[:5]), expected[:5])
