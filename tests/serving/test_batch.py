"""Batch scoring: what the predictor says, for files of any size, whole or not at all."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from packed import Packed, pack
from timonel.config import Candidate, OnViolation
from timonel.config.sections import Serving
from timonel.errors import BadInput
from timonel_serving.batch.rows import RowsFile
from timonel_serving.batch.score import BatchModel, Scored, score_file


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """A binary model."""
    return pack(tmp_path_factory.mktemp("packed") / "package", Candidate.BOOSTING)


@pytest.fixture(scope="module")
def model(packed: Packed) -> BatchModel:
    """The model under the default rules."""
    return BatchModel.of(packed.package, Serving(), "7")


def score(source: Path, model: BatchModel, rows: int = 100) -> tuple[Scored, pa.Table]:
    out = source.with_name("out.parquet")
    rows_file = RowsFile(source, model.answerer.contract)
    scored = score_file(rows_file, out, model, rows_at_once=rows)
    return scored, pq.read_table(out)


def written(folder: Path, table: pa.Table, kind: str) -> Path:
    path = folder / f"rows.{kind}"
    pq.write_table(table, path) if kind == "parquet" else csv.write_csv(table, path)
    return path


def changed(table: pa.Table, column: str, row: int, value: Any) -> pa.Table:
    values = table[column].to_pylist()
    values[row] = value
    place = table.column_names.index(column)
    return table.set_column(place, column, pa.array(values, type=table[column].type))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_scores_are_those_of_the_model(
    packed: Packed, model: BatchModel, tmp_path: Path, kind: str
) -> None:
    """Every row is scored once, in order, with what tells whose row it is."""
    scored, found = score(written(tmp_path, packed.table, kind), model)
    assert found.column_names == ["id", "at", "customer", "prediction", "score", "model_version"]
    np.testing.assert_allclose(found["score"], packed.expected[:, 1], atol=1e-5)
    assert found["prediction"].to_pylist() == [int(s >= 0.4) for s in found["score"].to_pylist()]
    assert found["id"].to_pylist() == packed.table["id"].to_pylist()
    assert set(found["model_version"].to_pylist()) == {"7"}
    assert scored.rows == 600
    assert scored.predictions[1] == sum(found["prediction"].to_pylist())
    if kind == "parquet":
        assert found["at"].to_pylist() == packed.table["at"].to_pylist()


@pytest.mark.parametrize(
    ("candidate", "scores"),
    [
        (Candidate.LOGISTIC, ["score_high", "score_low", "score_mid"]),
        (Candidate.TFIDF_LOGISTIC, ["score_bill", "score_chat", "score_ops"]),
    ],
)
def test_several_classes_have_a_score_each(
    tmp_path: Path, candidate: Candidate, scores: list[str]
) -> None:
    """The prediction is the class with the greatest score."""
    packed = pack(tmp_path / "package", candidate, classes=3)
    model = BatchModel.of(packed.package, Serving(), "1")
    _, found = score(written(tmp_path, packed.table, "parquet"), model)
    p = np.column_stack([found[name] for name in scores])
    np.testing.assert_allclose(p, packed.expected, atol=1e-5)
    labels = np.array([name.removeprefix("score_") for name in scores])
    assert found["prediction"].to_pylist() == labels[p.argmax(axis=1)].tolist()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("income", -3.0, "column income, row 457: out of range: -3"),
        ("income", float("inf"), "column income, row 457: not finite"),
        ("region", "mars", "column region, row 457: unseen category: 'mars'"),
        ("debt", None, "column debt, row 457: missing value"),
    ],
)
def test_a_broken_row_is_refused_with_its_place_in_the_file(
    packed: Packed,
    model: BatchModel,
    tmp_path: Path,
    kind: str,
    column: str,
    value: Any,
    says: str,
) -> None:
    """The message names file, column and absolute row, and nothing is written."""
    source = written(tmp_path, changed(packed.table, column, 457, value), kind)
    with pytest.raises(BadInput) as caught:
        score(source, model)
    assert says in str(caught.value)
    assert str(source) in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == [source.name]


def test_flag_scores_broken_rows_and_marks_them(
    packed: Packed, model: BatchModel, tmp_path: Path
) -> None:
    """Only the broken rows have violations, each all of its own."""
    table = changed(changed(packed.table, "income", 457, -3.0), "region", 457, "mars")
    table = changed(table, "debt", 3, float("inf"))
    flagging = BatchModel.of(packed.package, Serving(on_violation=OnViolation.FLAG), "7")
    scored, found = score(written(tmp_path, table, "csv"), flagging)
    marks = {i: m for i, m in enumerate(found["violations"].to_pylist()) if m is not None}
    assert marks == {
        3: ["debt: not finite"],
        457: ["income: out of range", "region: unseen category"],
    }
    assert scored.flagged == 2
    assert found["score"].null_count == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"income,region,debt,age,owner\n", "has no rows"),
        (b"income,region\n1,north\n", "lacks the column debt, age, owner"),
        (b"income,region,debt,age,owner\n1,north,much,3,true\n", "column debt, row 0 is 'much'"),
        (b"income,region,debt,age,owner\n1,north,1,3,yes\n", "column owner, row 0 is 'yes'"),
        (b"income,region,debt,age,owner\n1,no\xff,1,3,true\n", "column region, row 0: not UTF-8"),
        (b"income,region,debt,age,owner\n1,north,1,3\n", "row 0: has 4 values, the header has 5"),
        (b"PAR1 and no more", "not a whole Parquet file"),
    ],
)
def test_a_bad_file_is_refused(
    packed: Packed, model: BatchModel, tmp_path: Path, content: bytes, says: str
) -> None:
    """The message names the file and what is wrong with it; nothing is written."""
    source = tmp_path / "rows.csv"
    source.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        score(source, model)
    assert says in str(caught.value)
    assert str(source) in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_a_parquet_column_of_the_wrong_type_is_refused(
    packed: Packed, model: BatchModel, tmp_path: Path
) -> None:
    """Text is not read as a number."""
    place = packed.table.column_names.index("debt")
    texts = pa.array(["1.5"] * 600)
    source = written(tmp_path, packed.table.set_column(place, "debt", texts), "parquet")
    with pytest.raises(BadInput, match="column debt: type: string, expected numeric"):
        score(source, model)


def test_the_rows_are_never_overwritten(packed: Packed, model: BatchModel, tmp_path: Path) -> None:
    """The file to score is refused as the file to write."""
    source = written(tmp_path, packed.table, "parquet")
    with pytest.raises(BadInput, match="it would be overwritten"):
        score_file(RowsFile(source, packed.contract), source, model)


def test_a_column_with_the_name_of_a_result_is_refused(
    packed: Packed, model: BatchModel, tmp_path: Path
) -> None:
    """A key called score would be ambiguous in the result."""
    contract = packed.contract.model_copy(update={"key": "score"})
    model = replace(model, answerer=_with_contract(model, contract))
    source = written(tmp_path, packed.table.append_column("score", packed.table["id"]), "parquet")
    with pytest.raises(BadInput, match="column score has the name of a column of the result"):
        score(source, model)


def _with_contract(model: BatchModel, contract: Any) -> Any:
    import copy

    answerer = copy.copy(model.answerer)
    answerer.contract = contract
    return answerer


def test_what_interrupts_leaves_nothing(packed: Packed, model: BatchModel, tmp_path: Path) -> None:
    """Ctrl-C in the middle leaves neither a result nor a half of one."""
    source = written(tmp_path, packed.table, "csv")

    def interrupt(rows: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_file(
            RowsFile(source, packed.contract), tmp_path / "out.parquet", model, advance=interrupt
        )
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


MEASURE = """
import resource, sys
from pathlib import Path
from timonel.config.sections import Serving
from timonel.package import open_package
from timonel_serving.batch.score import BatchModel, score_file
from timonel_serving.batch.rows import RowsFile
package, *sources = sys.argv[1:]
model = BatchModel.of(open_package(Path(package)), Serving(), "1")
for source in sources:
    rows = RowsFile(Path(source), model.answerer.contract)
    score_file(rows, Path(source + ".out"), model, rows_at_once=8192)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_memory_does_not_grow_with_the_file(packed: Packed, tmp_path: Path, kind: str) -> None:
    """A file ten times as long adds less than a quarter of its own size to the peak."""
    sources = []
    for copies in (50, 500):
        table = pa.concat_tables([packed.table] * copies).combine_chunks()
        path = tmp_path / f"rows{copies}.{kind}"
        if kind == "csv":
            csv.write_csv(table, path)
        else:
            pq.write_table(table, path, row_group_size=8192)
        sources.append(str(path))
    command = [sys.executable, "-c", MEASURE, str(packed.package.path), *sources]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    small, large = (int(line) * 1024 for line in found.stdout.split())
    assert large - small < table.nbytes / 4, (small, large, table.nbytes)
