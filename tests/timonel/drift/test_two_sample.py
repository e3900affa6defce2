"""The two-sample test of a table: its figures, its error rates, and what it says of bad input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from timonel.drift import DriftReport, SortedReference, Verdict, two_sample
from timonel.errors import BadInput, Corrupt

RNG = np.random.default_rng(7)


def normal(rows: int, columns: int = 28, seed: int = 0) -> dict[str, np.ndarray]:
    """Independent normal columns."""
    values = np.random.default_rng(seed).normal(size=(columns, rows))
    return {f"x{i}": values[i] for i in range(columns)}


SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_cauchy(n),
    "skewed": lambda rng, n: rng.lognormal(0, 3, n),
    "rounded": lambda rng, n: np.round(rng.normal(size=n), 1),
    "counts": lambda rng, n: rng.integers(0, 60, n).astype(np.float64),
    "mostly zero": lambda rng, n: np.where(rng.random(n) < 0.4, 0.0, rng.normal(size=n)),
    "huge": lambda rng, n: rng.normal(size=n) * 1e200,
    "far from zero": lambda rng, n: 1e9 + rng.normal(size=n),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_ks_and_wasserstein_are_scipys(shape: str) -> None:
    """D equals SciPy's to 1e-12 and W1 to 1e-9, at any sizes, with ties, whatever the distribution."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n, m = rng.integers(1, 500, 2)
        x, y = SHAPES[shape](rng, n), SHAPES[shape](rng, m)
        y = y + (seed % 3) * 0.2 * np.abs(y).mean()
        found = two_sample({"x": x}, {"x": y})["x"]
        assert found.ks == pytest.approx(stats.ks_2samp(x, y, method="asymp").statistic, abs=1e-12)
        if found.wasserstein_sd is not None:
            scale = np.abs(x).max()
            expected = stats.wasserstein_distance(x / scale, y / scale) / (x / scale).std()
            tolerance = 1e-6 if shape == "far from zero" else 1e-9
            assert found.wasserstein_sd == pytest.approx(expected, rel=1e-6, abs=tolerance)


def test_chi_squared_is_scipys() -> None:
    """The statistic and its degrees of freedom are those of chi2_contingency, Yates at one dof and all."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        levels = int(rng.integers(2, 9))
        x, y = (rng.integers(0, levels, n) for n in rng.integers(60, 900, 2))
        found = two_sample({"c": x.astype(str)}, {"c": y.astype(str)})["c"]
        table = [np.bincount(v, minlength=levels) for v in (x, y)]
        expected = stats.chi2_contingency(table)
        assert found.statistic == pytest.approx(expected.statistic, abs=1e-12, rel=1e-12)
        assert found.dof == expected.dof


def test_effect_sizes_are_their_definitions() -> None:
    """TV, PSI and JS follow from the counts, missing values being a category of their own."""
    before = ["a"] * 50 + ["b"] * 30 + [None] * 20
    now = ["a"] * 20 + ["b"] * 60 + ["c"] * 10 + [None] * 10
    found = two_sample({"c": before}, {"c": now})["c"]
    p, q = np.array([0.5, 0.3, 0, 0.2]), np.array([0.2, 0.6, 0.1, 0.1])
    floored = np.array([0.5, 0.3, 0.005, 0.2])
    assert found.tv == pytest.approx(0.4)
    assert found.js == pytest.approx(jensenshannon(p, q, base=2), abs=1e-12)
    assert found.psi == pytest.approx(((q - floored) * np.log(q / floored)).sum(), abs=1e-12)
    assert (found.unseen, found.unseen_share) == (("c",), pytest.approx(0.1))


def test_no_drift_rarely_alarms() -> None:
    """Of 300 windows without drift, correlated and not, no more alarm than a level of 5 % allows."""
    alarms = 0
    for seed in range(300):
        rng = np.random.default_rng([1, seed])
        factor = 0.8 * (seed % 2)
        shared = [rng.normal(size=(1, n)) * factor**0.5 for n in (2_000, 500)]
        latent = [s + rng.normal(size=(28, s.shape[1])) * (1 - factor) ** 0.5 for s in shared]
        frames = [
            {f"x{i}": v[i] if i < 24 else np.digitize(v[i], [-1, 0, 1]) for i in range(28)}
            for v in latent
        ]
        alarms += two_sample(*frames).alarm
    assert alarms <= 25  # at 5 % more happen once in 300 times


def test_half_a_deviation_in_one_column_is_found() -> None:
    """0.5 sd in 1 of 28 columns at 500 rows alarms in at least 95 of 100 windows, and names the column."""
    reference = SortedReference.fit(normal(10_000))
    found = 0
    for seed in range(1, 101):
        window = normal(500, seed=seed)
        window["x5"] = window["x5"] + 0.5
        report = two_sample(reference, window)
        found += report.alarm and report.drifted[0].name == "x5"
    assert found >= 95


def test_a_halved_base_rate_is_found() -> None:
    """A rate that falls from 10 % to 5 % alarms in at least 90 of 100 windows of 1,000 rows."""
    rng = np.random.default_rng(3)
    before = {**normal(10_000, 27), "y": rng.random(10_000) < 0.1}
    reference = SortedReference.fit(before)
    found = 0
    for seed in range(1, 101):
        window = {**normal(1_000, 27, seed), "y": np.random.default_rng(seed).random(1_000) < 0.05}
        found += two_sample(reference, window)["y"].verdict is Verdict.DRIFT
    assert found >= 90


def test_one_nan_blinds_nothing() -> None:
    """A shifted column with a NaN in it still drifts."""
    window = normal(1_000, seed=1)
    window["x3"] = window["x3"] + 3
    window["x3"][0] = np.nan
    found = two_sample(normal(10_000), window)["x3"]
    assert found.verdict is Verdict.DRIFT
    assert (found.n_current, found.null_share_current) == (999, 0.001)


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_a_burst_of_missing_values_is_drift(missing: float) -> None:
    """3 % of a column turned null or infinite alarm by themselves, and the evidence says so."""
    window = normal(1_000, seed=1)
    window["x3"][:30] = missing
    found = two_sample(normal(10_000), window)["x3"]
    assert found.verdict is Verdict.DRIFT
    assert found.evidence == "missing values"


def test_one_missing_value_is_no_drift() -> None:
    """A first null in a column that had none is not an alarm."""
    window = normal(1_000, seed=1)
    window["x3"][0] = np.nan
    assert not two_sample(normal(10_000), window).alarm


def test_an_unseen_category_counts_once_it_is_frequent() -> None:
    """One row of a new category is no drift; thirty rows are, and the category is named."""
    before = np.tile(["a", "b", "c"], 3_000)
    for rows, verdict in ((1, Verdict.NO_DRIFT), (30, Verdict.DRIFT)):
        window = np.concatenate([np.tile(["a", "b", "c"], 330), ["new"] * rows])
        found = two_sample({"c": before}, {"c": window})["c"]
        assert found.verdict is verdict
        assert found.unseen == ("new",)


def test_a_lost_peak_of_zeros_is_seen() -> None:
    """Half the share of a column's most frequent value is drift, though ties make KS blind to it."""
    rng = np.random.default_rng(5)
    before, now = (
        np.where(rng.random(n) < share, rng.random(n), 0.0)
        for n, share in ((10_000, 0.1), (1_000, 0.05))
    )
    found = two_sample({"x": before, **normal(10_000, 27)}, {"x": now, **normal(1_000, 27, 1)})["x"]
    assert found.verdict is Verdict.DRIFT
    assert found.evidence == "share of the value 0"


def test_columns_come_and_go() -> None:
    """A lost column and one that turned to words alarm; a new one is named and does not."""
    window = normal(1_000, seed=1)
    del window["x0"]
    window["x1"] = np.array(["word"] * 1_000)
    report = two_sample(normal(10_000), {**window, "extra": window["x2"]})
    assert report["x0"].verdict is Verdict.GONE
    assert report["x1"].verdict is Verdict.TYPE_CHANGED
    assert report["extra"].verdict is Verdict.NEW_COLUMN
    assert [feature.name for feature in report.drifted] == ["x0", "x1"]


def test_numbers_as_text_and_codes_as_numbers_are_read() -> None:
    """'1.5' meets 1.5, and the code 3.0 meets the category '3': what was meant is compared."""
    values = np.round(RNG.normal(size=2_000), 3)
    codes = RNG.integers(0, 4, 2_000)
    before = {"x": values, "c": codes.astype(str)}
    report = two_sample(before, {"x": values.astype(str), "c": codes.astype(np.float64)})
    assert report["x"].ks == 0.0
    assert report["c"].statistic == pytest.approx(0.0)
    assert not report.alarm


def test_an_empty_window_is_no_pass() -> None:
    """Without rows every feature says "no data", and the report is inconclusive, without a NaN."""
    report = two_sample(normal(100), normal(0))
    assert {feature.verdict for feature in report} == {Verdict.NO_DATA}
    assert (report.alarm, report.verdict) == (False, "inconclusive")
    assert "NaN" not in json.dumps(report.to_dict())


def test_few_rows_are_no_pass() -> None:
    """Ten rows without a sign of drift are too few; ten rows of another world are drift."""
    assert two_sample(normal(1_000), normal(10, seed=1)).verdict == "inconclusive"
    far = {name: column + 9 for name, column in normal(10, seed=1).items()}
    assert two_sample(normal(1_000), far).verdict == "drift"


def test_constant_columns() -> None:
    """A constant that stays says so; one that moves is drift, with no distance in deviations."""
    same = two_sample({"x": np.ones(500)}, {"x": np.ones(100)})["x"]
    moved = two_sample({"x": np.ones(500)}, {"x": np.full(100, 2.0)})["x"]
    assert (same.verdict, same.p, same.note) == (Verdict.NO_DRIFT, 1.0, "one value on both sides")
    assert (moved.verdict, moved.ks, moved.wasserstein_sd) == (Verdict.DRIFT, 1.0, None)


def test_times_and_identifiers_are_not_tested() -> None:
    """What moves by nature is left out, with the reason."""
    rows = 500
    frame = pd.DataFrame(
        {
            "time": pd.date_range("2024-01-01", periods=rows, freq="min"),
            "id": [f"id-{i}" for i in range(rows)],
            "x": RNG.normal(size=rows),
        }
    )
    report = two_sample(frame, frame)
    assert report["time"].note == "a time always moves on"
    assert report["id"].verdict is Verdict.NOT_TESTED
    assert report["x"].verdict is Verdict.NO_DRIFT


def forms() -> dict[str, object]:
    """The same table in every form that is taken."""
    frame = pd.DataFrame(
        {"x": RNG.normal(size=400), "c": RNG.choice(["a", "b"], 400), "n": range(400)}
    )
    frame.loc[3, "x"] = np.nan
    frame.loc[5, "c"] = None
    table = pa.Table.from_pandas(frame)
    chunked = pa.concat_tables([table.slice(0, 150), table.slice(150)])
    coded = table.set_column(1, "c", table["c"].dictionary_encode())
    return {
        "pandas": frame,
        "arrow": table,
        "chunked": chunked,
        "dictionary": coded,
        "batch": table.to_batches()[0],
        "categorical": frame.astype({"c": "category"}),
        "lists": {name: frame[name].tolist() for name in frame},
        "mapping": {name: frame[name] for name in frame},
    }


def test_every_form_of_a_table_gives_the_same_answer() -> None:
    """pyarrow, pandas, dictionaries of arrays or lists: one report."""
    tables = forms()
    expected = two_sample(tables["arrow"], tables["arrow"]).to_dict()
    for name, table in tables.items():
        assert two_sample(tables["arrow"], table).to_dict() == expected, name


def test_unhashable_mixed_and_boolean_values() -> None:
    """Lists, mixed types and booleans are categories by their text, or numbers; none is an error."""
    window = {
        "lists": [[1, 2], [3]] * 50,
        "mixed": [1, "one", None, 2.5] * 25,
        "flags": [True, False] * 50,
    }
    report = two_sample(window, window)
    assert [f.verdict for f in report] == [Verdict.NO_DRIFT] * 3
    assert report["mixed"].null_share_current == 0.25


def test_a_saved_reference_answers_the_same(tmp_path: Path) -> None:
    """A saved reference gives the report that its table gives; other bytes are Corrupt."""
    tables = forms()
    path = tmp_path / "reference.npz"
    SortedReference.fit(tables["pandas"]).save(path)
    window = {"x": RNG.normal(size=300) + 0.2, "c": ["a", "b", "new"] * 100, "n": range(300)}
    loaded = two_sample(SortedReference.load(path), window)
    assert loaded.to_dict() == two_sample(tables["pandas"], window).to_dict()
    path.write_bytes(b"not a reference")
    with pytest.raises(Corrupt, match="not a drift reference"):
        SortedReference.load(path)


@pytest.mark.parametrize(
    ("reference", "window", "options", "says"),
    [
        (normal(9), [1, 2], {}, "a table is a list"),
        (normal(9), {"x0": 3}, {}, "column x0 is a int"),
        (normal(9), {"x0": [1.0], "x1": [1.0, 2.0]}, {}, "the columns differ in rows: x0 1, x1 2"),
        (normal(9), pa.table([[1], [2]], names=["a", "a"]), {}, "has the column a more than once"),
        (normal(9), normal(9), {"family_alpha": 5}, "family_alpha is 5"),
        (normal(9), normal(9), {"categorical": ["y"]}, "categorical names y"),
    ],
)
def test_bad_input_is_named(reference: object, window: object, options: dict, says: str) -> None:
    """What is no table, or no level, is told from what is expected."""
    with pytest.raises(BadInput, match=says):
        two_sample(reference, window, **options)


def test_a_report_is_plain_json() -> None:
    """to_dict holds only what JSON has, and no NaN, for columns of every kind."""
    report: DriftReport = two_sample(forms()["pandas"], forms()["arrow"])
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False)) == report.to_dict()
