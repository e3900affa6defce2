"""The reference: bins drawn once, counts that add up, a file that comes back as it was."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from timonel.errors import BadInput, Corrupt
from timonel.reference import CategoryBins, NumericBins, Reference
from timonel.reference.bins import BINS, CELLS, NULL, OTHER, bins_from_dict
from timonel.reference.cells import column_cells, count_cells, read_cells
from timonel.reference.classes import Classes
from timonel.terms import Task

RNG = np.random.default_rng(7)


def make(rows: int = 5000) -> pa.Table:
    return pa.table(
        {
            "amount": RNG.lognormal(3, 1, rows),
            "visits": RNG.poisson(3, rows),
            "country": RNG.choice(["es", "fr", "de", None], rows, p=[0.5, 0.3, 0.1, 0.1]),
            "fraud": RNG.integers(0, 2, rows),
        }
    )


def test_quantile_bins_hold_equal_shares() -> None:
    """Each bin of a continuous feature holds one fortieth of the reference, give or take one row."""
    values = RNG.normal(size=4000)
    bins = NumericBins.fit("x", values)
    counts = np.bincount(bins.codes(values), minlength=CELLS)
    assert len(bins.edges) == BINS - 1
    assert counts[:BINS].min() >= 99
    assert counts[:BINS].max() <= 101


def test_few_values_have_a_bin_each() -> None:
    """A feature of up to forty values has a bin for each of them, so that no two are mixed."""
    values = np.repeat(np.arange(7.0), 11)
    bins = NumericBins.fit("x", values)
    assert np.bincount(bins.codes(values)).tolist() == [11] * 7


def test_gaps_integrate_a_shift_to_its_size() -> None:
    """The weighted sum over the edges is Wasserstein's distance in sd, for a shift of half an sd."""
    values = RNG.normal(10, 3, 40_000)
    bins = NumericBins.fit("x", values)
    before = np.bincount(bins.codes(values), minlength=CELLS)[:BINS] / len(values)
    now = np.bincount(bins.codes(values + 1.5), minlength=CELLS)[:BINS] / len(values)
    moved = np.abs(np.cumsum(before - now))[: len(bins.edges)] @ bins.gaps
    assert moved == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324])
def test_every_number_has_a_cell(value: float) -> None:
    """NaN, infinity and the largest doubles are counted, each in a cell of its own meaning."""
    cell = int(NumericBins.fit("x", RNG.normal(size=500)).codes(np.array([value]))[0])
    expected = {"nan": NULL, "inf": OTHER, "-inf": OTHER, "1e+308": BINS - 1, "-1e+308": 0}
    assert cell == expected.get(f"{value:g}", cell)
    assert cell < CELLS


@pytest.mark.parametrize(
    "values", [[], [np.nan] * 5, [3.0] * 9, [1e308, -1e308, 0.0, 1.0], [np.inf, 1.0, 2.0]]
)
def test_odd_references_have_finite_bins(values: list[float]) -> None:
    """No reference, however odd, gives an edge, a gap or a scale that is not finite."""
    bins = NumericBins.fit("x", np.array(values, dtype=np.float64))
    assert np.isfinite(bins.edges).all()
    assert np.isfinite(bins.gaps).all()
    assert 0 < bins.scale < np.inf


def test_a_constant_that_moves_is_seen_whole() -> None:
    """Where the reference has one value, the weighted sum is the share of rows that left it."""
    bins = NumericBins.fit("x", np.full(100, 3.0))
    now = np.bincount(bins.codes(np.array([3.0, 3.0, 3.0, 4.0])), minlength=CELLS)[:BINS] / 4
    before = np.zeros(BINS)
    before[1] = 1
    assert np.abs(np.cumsum(before - now))[:2] @ bins.gaps == 0.25


def test_categories_beyond_the_listed_share_a_cell() -> None:
    """The forty most frequent categories have a cell; others share OTHER, missing ones NULL."""
    bins = CategoryBins.fit("c", {f"v{i:03}": 1000 - i for i in range(100)})
    cells = column_cells(bins, ["v000", "v039", "v040", "new", None, ""])
    assert cells.tolist() == [0, 39, OTHER, OTHER, NULL, NULL]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([1, 2, None], "ok ok null"),
        (["1.5", " 2 ", ""], "ok ok null"),
        (["1.5", "abc", None], "ok other null"),
        ([True, False, None], "ok ok null"),
        ([[1], [2], None], "other other null"),
        (pd.Series([1.0, np.nan, np.inf]), "ok null other"),
        (pa.array(["1", "2", "1"]).dictionary_encode(), "ok ok ok"),
    ],
)
def test_a_number_of_another_type_is_counted(column: object, expected: str) -> None:
    """A numeric feature that comes as text, list or booleans is read where it can be, else counted as odd."""
    cells = column_cells(NumericBins.fit("x", np.arange(100.0)), column)
    words = ["null" if c == NULL else "other" if c == OTHER else "ok" for c in cells]
    assert " ".join(words) == expected


@pytest.mark.parametrize("column", [[1, 2, 3], [1.0, 2.0, 3.0], ["1", "2", "3"]])
def test_codes_are_one_category_whatever_their_type(column: object) -> None:
    """Category 1 is the same as integer, float and text."""
    assert column_cells(CategoryBins("c", ("1", "2", "3")), column).tolist() == [0, 1, 2]


def test_a_feature_that_is_gone_is_missing() -> None:
    """A column that the frame lacks counts as missing in each of its rows."""
    bins = (NumericBins.fit("x", np.arange(9.0)), CategoryBins("c", ("a",)))
    counts = count_cells(read_cells(bins, {"c": ["a", "a"]}, 2))
    assert counts[0, NULL] == 2
    assert counts[1, 0] == 2


def test_counts_are_those_of_the_rows() -> None:
    """The reference's counts sum to its rows for each feature."""
    reference = Reference.fit(make(), labels="fraud")
    assert (reference.counts.sum(axis=1) == 5000).all()
    assert reference.names == ("amount", "visits", "country")
    assert reference.task is Task.BINARY


@pytest.mark.parametrize(
    "make_frame", [lambda t: t, lambda t: t.to_pandas(), lambda t: t.to_pydict()]
)
def test_frames_of_any_make_give_one_reference(make_frame: object) -> None:
    """Arrow, pandas and plain columns give the same bins and counts."""
    table = make()
    one = Reference.fit(table, labels="fraud")
    other = Reference.fit(make_frame(table), labels="fraud")  # type: ignore[operator]
    assert [b.to_dict() for b in one.bins] == [b.to_dict() for b in other.bins]
    assert (one.counts == other.counts).all()


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    """A reference comes back from its file with the same bins, counts, sample and settings."""
    table = make()
    scores = RNG.random(table.num_rows)
    one = Reference.fit(
        table, labels="fraud", scores=scores, threshold=0.3, weights={"amount": 0.9}
    )
    one.save(tmp_path / "r.parquet")
    two = Reference.load(tmp_path / "r.parquet")
    assert [b.to_dict() for b in one.bins] == [b.to_dict() for b in two.bins]
    assert (one.counts == two.counts).all()
    assert one.sample.equals(two.sample)
    assert (two.threshold, two.weights, two.classes) == (0.3, {"amount": 0.9}, Classes(("0", "1")))


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A file that is no saved reference is Corrupt, and one that is absent bad input."""
    (tmp_path / "x").write_bytes(b"PAR1 nothing")
    with pytest.raises(Corrupt, match="not a reference"):
        Reference.load(tmp_path / "x")
    with pytest.raises(BadInput, match="no such reference"):
        Reference.load(tmp_path / "y")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "frud"}, "'frud', which is no column"),
        ({"scores": [0.1]}, "scores has 1 rows, expected 5,000"),
        ({"features": ("amount", "colour")}, "lacks the feature colour"),
    ],
)
def test_what_does_not_fit_is_named(options: dict[str, object], message: str) -> None:
    """A wrong column or length is bad input that names it."""
    with pytest.raises(BadInput, match=message):
        Reference.fit(make(), **options)  # type: ignore[arg-type]


def test_an_empty_frame_is_refused() -> None:
    """No rows are no reference."""
    with pytest.raises(BadInput, match="no row"):
        Reference.fit(make().slice(0, 0))


def test_class_codes() -> None:
    """A class has one code in every type it may come in; missing and unseen ones have their own."""
    classes = Classes(("0", "1"))
    for column in ([0, 1, 1], [False, True, True], [0.0, 1.0, 1.0], ["0", "1", "1"]):
        assert classes.codes(column).tolist() == [0, 1, 1]
    assert classes.codes([1, None, 7]).tolist() == [1, -1, 2]


def test_bins_come_back_from_json() -> None:
    """Both kinds of bins survive their plain form."""
    for bins in (NumericBins.fit("x", RNG.normal(size=99)), CategoryBins("c", ("a", "b"))):
        assert bins_from_dict(bins.to_dict()).to_dict() == bins.to_dict()
