"""Reference: what a model learnt from, as bins, counts and a sample of rows.

reference = Reference.fit(table, labels="fraud", scores=p)       # in code
reference = Reference.of_package(Path("package"))                # of a model that Timonel packed
reference.save(Path("reference.parquet"))                        # one Parquet file
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from timonel.contract import DataContract
from timonel.errors import BadInput, Corrupt
from timonel.files import staged_file
from timonel.frames import named_columns, to_arrow
from timonel.reference.bins import Bins, bins_from_dict
from timonel.reference.catalogue import Catalogue
from timonel.reference.cells import count_cells, read_cells
from timonel.reference.classes import Classes
from timonel.reference.reading import (
    Column,
    draw_bins,
    feature_names,
    kind_of,
    read_outcome,
    text_column,
    told_task,
)
from timonel.reference.texts import crossed_features
from timonel.terms import Task

SAMPLE_ROWS = 10_000
"""Rows kept as they are: for tests of drift and to calibrate estimates."""
FORMAT = 1
_HEAD = b"timonel.reference"


@dataclass(frozen=True, eq=False)
class Reference:
    """The yardstick of every window: made by `fit`, `of_package` or `load`."""

    bins: tuple[Bins, ...]
    counts: NDArray[np.int64]
    """Rows of the reference in each cell, (features, CELLS)."""
    rows: int
    sample: pa.Table
    """At most SAMPLE_ROWS rows, evenly spread: the features, and `prediction`, `score`, `label` if known."""
    task: Task | None = None
    classes: Classes | None = None
    threshold: float | None = None
    """Of a binary task: the score from which a row counts as positive."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """How much each feature matters to the model, from 0 to 1; 1 where not given."""
    contract: DataContract | None = None
    learnt: bool = False
    """Whether a monitor took it from its own first stretch, for want of a better one."""
    catalogue: Catalogue | None = None
    """Of a ranking task: the items."""
    vocabulary: tuple[str, ...] = ()
    """Of a text task: the words of its texts."""

    @classmethod
    def fit(
        cls,
        frame: Any,
        *,
        contract: DataContract | None = None,
        predictions: Column | None = None,
        labels: Column | None = None,
        scores: Column | None = None,
        threshold: float | None = None,
        weights: Mapping[str, float] | None = None,
        features: tuple[str, ...] | None = None,
        learnt: bool = False,
    ) -> Self:
        """Draw the bins on a table and keep a sample of it.

        Args:
            frame: a pyarrow Table, a pandas or polars DataFrame, or a mapping from names to arrays. Best are
                rows that the model was not trained on, such as its test rows.
            contract: names the features, their kinds, the task and its classes. Without one they are
                told from the columns: a column that names its rows, or is a time, is no feature.
            predictions: what the model predicts on these rows, values or the name of a column.
            labels: what was true; with `scores` it lets performance be estimated without labels.
            scores: the probability of the positive class, or of every class (rows, classes).
            threshold: the score from which a row counts as positive.
            weights: the importance of features, from 0 to 1.
            features: the columns that are features, where there is no contract.
            learnt: whether a monitor took it from its own first stretch.
        """
        columns, rows = named_columns(frame)
        if not rows:
            raise BadInput(
                "the reference has no row", fix="give the rows that the model was tested on"
            )
        outcome = read_outcome(columns, rows, predictions, labels, scores)
        taken = {c for c in (predictions, labels, scores) if isinstance(c, str)}
        text = text_column(contract)
        derived, words = ({}, None) if text is None else crossed_features(to_arrow(columns[text]))
        columns = {**columns, **derived}
        names = [*feature_names(columns, rows, contract, features, taken), *derived]
        bins = tuple(draw_bins(name, columns[name], kind_of(contract, name)) for name in names)
        kept = np.linspace(0, rows - 1, min(rows, SAMPLE_ROWS)).astype(np.int64)
        held = {name: to_arrow(columns[name]).take(pa.array(kept)) for name in names}
        held |= {name: column.take(pa.array(kept)) for name, column in outcome.items()}
        task, classes = told_task(contract, outcome)
        return cls(
            bins,
            count_cells(read_cells(bins, columns, rows)),
            rows,
            pa.table(held) if held else pa.table({"row": kept}),
            task,
            classes,
            threshold,
            dict(weights or {}),
            contract,
            learnt,
            vocabulary=() if words is None else tuple(words.to_pylist()),
        )

    @classmethod
    def of_package(cls, path: Path) -> Self:
        """The reference of a model package: the rows that it was examined on."""
        contract = DataContract.load(path / "contract.json")
        try:
            table = pq.ParquetFile(path / "reference.parquet").read()
            threshold = json.loads((path / "reference.json").read_bytes()).get("threshold")
        except FileNotFoundError as error:
            raise BadInput(f"{path}: no model package: {error.filename} is missing") from None
        except (pa.ArrowInvalid, ValueError) as error:
            raise Corrupt(f"{path}: its reference cannot be read: {error}") from None
        if contract.task is Task.RANKING:
            return cls._of_ranker(path, contract, table)
        several = [f"score_{c}" for c in contract.classes if f"score_{c}" in table.column_names]
        scores: Any = "score" if "score" in table.column_names else None
        if several:
            scores = np.stack([table[name].to_numpy() for name in several], axis=1)
        return cls.fit(table, contract=contract, labels="label", scores=scores, threshold=threshold)

    @classmethod
    def _of_ranker(cls, path: Path, contract: DataContract, table: pa.Table) -> Self:
        """The lists that a ranker was judged on; what is known of a user is their feature."""
        items = pq.ParquetFile(path / "ranker" / "items.parquet").read()
        groups = items["group"].to_pylist() if "group" in items.column_names else None
        catalogue = Catalogue(
            tuple(items["item"].to_pylist()),
            tuple(items["interactions"].to_pylist()),
            None if groups is None or None in groups else tuple(groups),
        )
        features = tuple(n for n in ("history",) if n in table.column_names)
        found = cls.fit(table, features=features)
        return replace(found, task=Task.RANKING, contract=contract, catalogue=catalogue)

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order of the bins."""
        return tuple(one.name for one in self.bins)

    def __len__(self) -> int:
        return self.rows

    def head(self) -> dict[str, Any]:
        """All but the sample, as plain JSON values."""
        return {
            "format": FORMAT,
            "rows": self.rows,
            "bins": [one.to_dict() for one in self.bins],
            "counts": self.counts.tolist(),
            "task": self.task,
            "classes": None if self.classes is None else self.classes.names,
            "threshold": self.threshold,
            "weights": dict(self.weights),
            "contract": None if self.contract is None else self.contract.model_dump(mode="json"),
            "learnt": self.learnt,
            "vocabulary": self.vocabulary,
            "catalogue": None if self.catalogue is None else self.catalogue.to_dict(),
        }

    def save(self, path: Path) -> None:
        """Write it as one Parquet file: the sample, with all else in the file's metadata."""
        table = self.sample.replace_schema_metadata({_HEAD: json.dumps(self.head()).encode()})
        with staged_file(path) as staged:
            pq.write_table(table, staged)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; anything else is `Corrupt`."""
        try:
            table = pq.ParquetFile(
                path
            ).read()  # `read_table` imports pandas where that is installed
            head = json.loads((table.schema.metadata or {})[_HEAD])
            return cls.of_head(head, table.replace_schema_metadata(None))
        except FileNotFoundError:
            raise BadInput(f"{path}: no such reference") from None
        except (pa.ArrowInvalid, KeyError, ValueError, TypeError, OSError) as error:
            raise Corrupt(
                f"{path}: not a reference that Timonel saved ({error})",
                fix="fit the reference again and save it",
            ) from None

    @classmethod
    def of_head(cls, head: Mapping[str, Any], sample: pa.Table) -> Self:
        """The inverse of `head`, with the sample; ValueError, KeyError or TypeError for what is none."""
        if head["format"] != FORMAT:
            raise ValueError(f"format {head['format']}, expected {FORMAT}")
        contract, classes = head["contract"], head["classes"]
        return cls(
            tuple(map(bins_from_dict, head["bins"])),
            np.array(head["counts"], dtype=np.int64),
            int(head["rows"]),
            sample,
            None if head["task"] is None else Task(head["task"]),
            None if classes is None else Classes(tuple(classes)),
            head["threshold"],
            head["weights"],
            None if contract is None else DataContract.model_validate(contract),
            bool(head["learnt"]),
            None if head["catalogue"] is None else Catalogue.from_dict(head["catalogue"]),
            tuple(head["vocabulary"]),
        )
