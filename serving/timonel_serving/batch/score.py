"""Scores a table file of any size in constant memory, with the code and the rules of the predictor."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from timonel.config import OnViolation
from timonel.config.sections import Label, Serving
from timonel.contract import Breach, Enforcer
from timonel.errors import BadInput
from timonel.files import staged_file
from timonel.package import Package
from timonel.tables import BATCH_ROWS
from timonel_serving.batch.rows import Piece, RowsFile
from timonel_serving.model.runtime import load_backend
from timonel_serving.model.scoring import Answer, Scorer

VIOLATIONS = pa.field("violations", pa.list_(pa.string()))


@dataclass(frozen=True)
class BatchModel:
    """A model with the rules under which it scores a file."""

    scorer: Scorer
    version: str
    on_violation: OnViolation

    @classmethod
    def of(cls, package: Package, settings: Serving, version: str) -> "BatchModel":
        """The package's model under the predictor's settings, on all cores."""
        scorer = Scorer(
            package,
            load_backend(package, threads=os.cpu_count() or 1),
            on_violation=settings.on_violation,
            threshold=settings.threshold,
        )
        return cls(scorer, version, settings.on_violation)


@dataclass(frozen=True)
class Scored:
    """What a scoring did."""

    out: Path
    rows: int
    predictions: dict[Label, int]
    """How many rows were given each class."""
    flagged: int
    """Rows that break the contract, with `flag`."""


def score_file(
    rows: RowsFile,
    out: Path,
    model: BatchModel,
    *,
    rows_at_once: int = BATCH_ROWS,
    advance: Callable[[float], None] = lambda rows: None,
) -> Scored:
    """Score the rows of a file into the Parquet file `out`, which appears when all is well.

    The result has the key, time and entity columns that the source has, `prediction`, `score` (more
    than two classes: one `score_<class>` each), `model_version`, and with `flag` `violations`: for a
    row that breaks the contract, what it breaks. With `reject` such a row raises a `BadInput`.
    """
    if out.exists() and out.samefile(rows.table.path):
        raise BadInput(
            f"{out}: is the file to score: it would be overwritten", fix="give another -o"
        )
    return _Writer(rows, model).write(out, rows_at_once, advance)


class _Writer:
    def __init__(self, rows: RowsFile, model: BatchModel) -> None:
        self._rows, self._model = rows, model
        contract = model.scorer.contract
        self._classes = pa.array(contract.classes)
        self._schema = pa.schema([*rows.carried_fields, *_result_fields(model, self._classes)])
        _refuse_collisions(rows, self._schema)
        self._enforcer = Enforcer(contract)
        self._flags = model.on_violation is OnViolation.FLAG
        self._counts: Counter[int] = Counter()
        self._flagged = 0

    def write(self, out: Path, rows_at_once: int, advance: Callable[[float], None]) -> Scored:
        with (
            staged_file(out) as stage,
            pq.ParquetWriter(stage, self._schema, compression="zstd") as writer,
        ):
            for piece in self._rows.pieces(rows_at_once):
                writer.write_batch(self._score(piece))
                advance(len(piece.features))
        labels = self._model.scorer.contract.classes
        predictions = {label: self._counts[i] for i, label in enumerate(labels)}
        return Scored(out, self._counts.total(), predictions, self._flagged)

    def _score(self, piece: Piece) -> pa.RecordBatch:
        breaches = self._enforcer.breaches(piece.features)
        if breaches and not self._flags:
            raise self._rejection(piece, breaches)
        violations = tuple(breach.violation for breach in breaches)
        answer = self._model.scorer.answer(piece.features, violations)
        self._counts.update(answer.classes.tolist())
        n = len(answer.classes)
        columns = [*piece.carried.columns, self._classes.take(pa.array(answer.classes))]
        columns += [*_score_columns(answer), pa.repeat(self._model.version, n)]
        if self._flags:
            columns.append(self._marks(breaches, n))
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _marks(self, breaches: list[Breach], n: int) -> pa.Array:
        marks: list[list[str] | None] = [None] * n
        for breach in breaches:
            says = f"{breach.violation.column}: {breach.violation.rule}"
            for row in np.flatnonzero(breach.rows):
                marks[row] = [*(marks[row] or ()), says]
        self._flagged += sum(mark is not None for mark in marks)
        return pa.array(marks, type=VIOLATIONS.type)

    def _rejection(self, piece: Piece, breaches: list[Breach]) -> BadInput:
        found = [
            replace(b.violation, first_row=b.violation.first_row + piece.first_row)
            for b in breaches
        ]
        lines = "\n".join(f"  {violation}" for violation in found)
        return BadInput(
            f"{self._rows.table.path}: breaks the data contract, nothing was written:\n{lines}",
            fix="mend these rows, or use --on-violation flag to score and mark them",
        )


def _score_columns(answer: Answer) -> list[pa.Array]:
    scores = answer.scores.reshape(len(answer.scores), -1)
    return [pa.array(np.ascontiguousarray(column)) for column in scores.T]


def _result_fields(model: BatchModel, classes: pa.Array) -> list[pa.Field]:
    labels = model.scorer.contract.classes
    scores = ["score"] if len(labels) == 2 else [f"score_{label}" for label in labels]
    fields = [pa.field("prediction", classes.type)]
    fields += [pa.field(name, pa.float32()) for name in scores]
    fields.append(pa.field("model_version", pa.string()))
    return [*fields, VIOLATIONS] if model.on_violation is OnViolation.FLAG else fields


def _refuse_collisions(rows: RowsFile, schema: pa.Schema) -> None:
    twice = [name for name in rows.carried if schema.names.count(name) > 1]
    if twice:
        raise BadInput(
            f"{rows.table.path}: its column {', '.join(twice)} has the name of a column of the result",
            fix="rename it in the file and in timonel.yaml",
        )
