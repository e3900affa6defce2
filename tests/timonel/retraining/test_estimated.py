"""The signs without labels: a fall that the scores tell, and a material drift of the inputs."""

import numpy as np
import pyarrow as pa
import pytest

from timonel.contract import ColumnContract, DataContract
from timonel.retraining.estimated import signs
from timonel.terms import Task

CONTRACT = DataContract(
    model="m",
    task=Task.BINARY,
    features=(
        ColumnContract(name="x", kind="numeric", nullable=False),
        ColumnContract(name="place", kind="categorical", nullable=False, categories=("a", "b")),
    ),
    target="y",
    classes=(0, 1),
    rows=5000,
)


def table(mean: float, spread: float = 2.0, share: float = 0.5, n: int = 5000) -> pa.Table:
    """Rows whose score is the true probability."""
    rng = np.random.default_rng(int(100 * abs(mean)) + n)
    x = rng.normal(mean, spread, n)
    p = 1 / (1 + np.exp(-x))
    place = np.where(rng.random(n) < share, "a", "b")
    return pa.table({"x": x, "place": place, "score": p, "label": (rng.random(n) < p).astype(int)})


USUAL = table(0.0)


def test_rows_like_the_usual_ones_are_no_sign() -> None:
    """Neither an estimate nor a drift."""
    same = table(0.0, n=4000)
    found = signs(USUAL, same, CONTRACT, 0.5)
    assert (found.estimate, found.drift) == (None, None)


def test_rows_nearer_to_the_boundary_are_both_signs() -> None:
    """The estimate says what it assumes; the drift names the feature."""
    found = signs(USUAL, table(0.0, 0.8), CONTRACT, 0.5)
    assert found.estimate is not None
    assert "assumes" in found.estimate.what
    assert found.drift is not None
    assert found.drift.what.startswith("x moved by")


def test_easier_rows_are_drift_alone() -> None:
    """Nothing gets worse, hence nothing is estimated to fall."""
    found = signs(USUAL, table(4.0), CONTRACT, 0.5)
    assert found.estimate is None
    assert found.drift is not None


def test_shares_of_a_category_drift() -> None:
    """In its own unit."""
    found = signs(USUAL, table(0.0, share=0.9), CONTRACT, 0.5)
    assert found.drift is not None
    assert "place moved by 0." in found.drift.what
    assert "of its shares" in found.drift.what


@pytest.mark.parametrize("n", [0, 499])
def test_few_rows_are_no_sign(n: int) -> None:
    """However far they moved."""
    found = signs(USUAL, table(9.0).slice(0, n), CONTRACT, 0.5)
    assert (found.estimate, found.drift) == (None, None)
