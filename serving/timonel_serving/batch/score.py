"""Scores a table file of any size in constant memory, with the code and the rules of the predictor."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from timonel.config import OnViolation
from timonel.config.section import Label
from timonel.config.sections import Serving
from timonel.contract import Breach, Enforcer
from timonel.errors import BadInput
from timonel.files import staged_file
from timonel.package import Package
from timonel.tables import BATCH_ROWS
from timonel_serving.batch.rows import Piece, RowsFile
from timonel_serving.model.answerer import Answerer
from timonel_serving.model.load import load_answerer

VIOLATIONS = pa.field("violations", pa.list_(pa.string()))


@dataclass(frozen=True)
class BatchModel:
    """A model with the rules under which it scores a file."""

    answerer: Answerer[Any, Any]
    version: str
    on_violation: OnViolation

    @classmethod
    def of(cls, package: Package, settings: Serving, version: str) -> "BatchModel":
        """The package's model under the predictor's settings, on all cores."""
        answerer = load_answerer(package, settings, threads=os.cpu_count() or 1)
        return cls(answerer, version, settings.on_violation)


@dataclass(frozen=True)
class Scored:
    """What a scoring did."""

    out: Path
    rows: int
    predictions: dict[Label, int]
    """How many rows were given each class; of a ranking, how many users were known."""
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
    than two classes: one `score_<class>` each; a ranking: lists of both, and `cold_start`),
    `model_version`, and with `flag` `violations`: for a
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
        self._schema = pa.schema([*rows.carried_fields, *_result_fields(model)])
        _refuse_collisions(rows, self._schema)
        self._enforcer = Enforcer(model.answerer.contract)
        self._flags = model.on_violation is OnViolation.FLAG
        self._counts: Counter[Label] = Counter()
        self._flagged = 0

    def write(self, out: Path, rows_at_once: int, advance: Callable[[float], None]) -> Scored:
        with (
            staged_file(out) as stage,
            pq.ParquetWriter(stage, self._schema, compression="zstd") as writer,
        ):
            for piece in self._rows.pieces(rows_at_once):
                writer.write_batch(self._score(piece))
                advance(len(piece.features))
        return Scored(out, self._counts.total(), dict(self._counts), self._flagged)

    def _score(self, piece: Piece) -> pa.RecordBatch:
        breaches = self._enforcer.breaches(piece.features)
        if breaches and not self._flags:
            raise self._rejection(piece, breaches)
        violations = tuple(breach.violation for breach in breaches)
        model, n = self._model.answerer, len(piece.features)
        answer = model.answer(model.of_batch(piece.features), violations)
        self._counts.update(model.tally(answer))
        columns = [*piece.carried.columns, *model.values(answer)]
        columns.append(pa.repeat(self._model.version, n))
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


def _result_fields(model: BatchModel) -> list[pa.Field]:
    fields = [*model.answerer.columns(), pa.field("model_version", pa.string())]
    return [*fields, VIOLATIONS] if model.on_violation is OnViolation.FLAG else fields


def _refuse_collisions(rows: RowsFile, schema: pa.Schema) -> None:
    twice = [name for name in rows.carried if schema.names.count(name) > 1]
    if twice:
        raise BadInput(
            f"{rows.table.path}: its column {', '.join(twice)} has the name of a column of the result",
            fix="rename it in the file and in timonel.yaml",
        )
