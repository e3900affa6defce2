"""The golden set: frozen rows whose answers every version must give."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from timonel.contract import FeatureReader
from timonel.errors import BadInput
from timonel.files import staged_file
from timonel.reference.classes import class_name
from timonel.retraining.gates import Verdict
from timonel.tables import read_table
from timonel_components.evaluation.gates import GateResult
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.metrics.scored import Floats, Scored

EXPECTED, LOWEST, HIGHEST = "expected", "score_min", "score_max"
ROWS = 50
"""Rows that a golden set is made of."""
SHOWN = 5


def golden(path: Path, model: Fitted) -> GateResult:
    """Every row must be answered as the file says; one that is not fails the gate."""
    if not path.exists():
        raise BadInput(
            f"evaluation.golden: {path} is not there",
            why="it was made at the first training, and a later one may not make another",
            fix="bring it back, or take evaluation.golden out",
        )
    table = read_table(path)
    batch = FeatureReader(model.contract).from_table(table)
    rows = model.judge(model.probabilities(batch), np.zeros(len(batch), np.int64))
    wrong = np.flatnonzero(_wrong(table, rows, model, path))
    shown = ", ".join(map(str, wrong[:SHOWN])) + (", ..." if len(wrong) > SHOWN else "")
    said = f"{len(wrong)} of {len(batch)} rows otherwise" + (f" (rows {shown})" if shown else "")
    return GateResult(
        metric=path.name,
        expected="every golden row answered as it was frozen",
        actual=said,
        passed=not len(wrong),
        kind="golden",
        verdict=Verdict.FAILS if len(wrong) else Verdict.HOLDS,
        sentence=f"Of the golden set the model answers {said}.",
    )


def make_golden(path: Path, model: Fitted, sample: Sample) -> None:
    """Freeze rows that the model answers rightly and surely, as many of each class as there are."""
    rows = model.scored(sample.batch, sample.y)
    own = rows.p[np.arange(len(rows)), rows.y]
    right = rows.predicted == rows.y
    chosen = [
        _surest(np.flatnonzero(right & (rows.y == k)), own, len(rows.classes)) for k in rows.classes
    ]
    table = sample.take(np.sort(np.concatenate(chosen))).table
    if not table.num_rows:
        raise BadInput("evaluation.golden: the model answers no test row rightly")
    names = [c.name for c in model.contract.features]
    frozen = table.select(names).append_column(EXPECTED, table[model.contract.target])
    path.parent.mkdir(parents=True, exist_ok=True)
    with staged_file(path) as stage:
        pq.write_table(frozen, stage)


def _surest(rows: NDArray[np.int64], own: Floats, classes: int) -> NDArray[np.int64]:
    kept: NDArray[np.int64] = rows[np.argsort(-own[rows], kind="stable")][: max(1, ROWS // classes)]
    return kept


def _wrong(table: pa.Table, rows: Scored, model: Fitted, path: Path) -> NDArray[np.bool_]:
    """Which rows break what the file expects of them."""
    known = {EXPECTED, LOWEST, HIGHEST} & set(table.column_names)
    if not known:
        raise BadInput(
            f"{path}: says of no row what is expected",
            fix=f"give it a column {EXPECTED}, or {LOWEST} and {HIGHEST}",
        )
    if known - {EXPECTED} and not rows.binary:
        raise BadInput(f"{path}: {LOWEST} and {HIGHEST} are for two classes")
    wrong = np.zeros(len(rows), bool)
    if EXPECTED in known:
        wrong |= _other_class(table[EXPECTED], rows, model)
    if LOWEST in known:
        wrong |= rows.score < _numbers(table[LOWEST], -np.inf)
    if HIGHEST in known:
        wrong |= rows.score > _numbers(table[HIGHEST], np.inf)
    return wrong


def _other_class(column: pa.ChunkedArray, rows: Scored, model: Fitted) -> NDArray[np.bool_]:
    """By name, so that a CSV's 1 is the class "1" too; a row that expects nothing is passed over."""
    said = [class_name(model.contract.classes[k]) for k in rows.predicted]
    wanted = [None if w is None else class_name(w) for w in column.to_pylist()]
    return np.array([w is not None and w != s for w, s in zip(wanted, said, strict=True)], bool)


def _numbers(column: pa.ChunkedArray, otherwise: float) -> NDArray[np.float64]:
    values = pc.fill_null(pc.cast(column, pa.float64()), otherwise)
    return np.asarray(values.to_numpy(), dtype=np.float64)
