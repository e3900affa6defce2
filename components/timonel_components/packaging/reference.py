"""What the model was examined on, packed with it: later windows are compared with these rows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from timonel.contract import DataContract
from timonel.files import write_text
from timonel_components.evaluation.result import Evaluation
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.metrics.scored import Probabilities, Scored

MAX_ROWS = 10_000
HISTOGRAM_BINS = 20


def write_reference(directory: Path, model: Fitted, sample: Sample, evaluation: Evaluation) -> None:
    """Write reference.parquet and reference.json.

    The table has the features, the time where there is one, `label` (the target's value) and `score`
    (of the positive class, or for more than two classes one `score_<class>` each).
    """
    kept = sample.take(np.linspace(0, len(sample) - 1, min(len(sample), MAX_ROWS)).astype(np.int64))
    rows = model.scored(kept.batch, kept.y)
    pq.write_table(_table(kept, rows, model.contract), directory / "reference.parquet")
    figures = _figures(rows, len(kept), evaluation)
    write_text(directory / "reference.json", json.dumps(figures, indent=2, allow_nan=False) + "\n")


def _table(sample: Sample, rows: Scored, contract: DataContract) -> pa.Table:
    names = [c.name for c in contract.features]
    names += [contract.time] if contract.time and contract.time not in names else []
    table = sample.table.select(names)
    table = table.append_column("label", sample.table[contract.target].combine_chunks())
    for name, score in _scores(rows, contract).items():
        table = table.append_column(name, pa.array(score.astype(np.float32)))
    return table


def _scores(rows: Scored, contract: DataContract) -> dict[str, Probabilities]:
    if rows.binary:
        return {"score": rows.score}
    return {f"score_{label}": rows.p[:, k] for k, label in enumerate(contract.classes)}


def _figures(rows: Scored, kept: int, evaluation: Evaluation) -> dict[str, Any]:
    """The figures of all test rows, and the histogram of the scores of those kept."""
    score = rows.score if rows.binary else rows.p.max(axis=1)
    counts, edges = np.histogram(score, np.linspace(0, 1, HISTOGRAM_BINS + 1))
    return {
        "format_version": 1,
        "rows": kept,
        "evaluated_rows": evaluation.rows,
        "period": evaluation.period,
        "threshold": evaluation.threshold,
        "confidence": evaluation.confidence,
        "metrics": {name: e.model_dump() for name, e in evaluation.metrics.items()},
        "score_of": evaluation.classes[1] if rows.binary else "the likeliest class",
        "score_histogram": {"edges": edges.round(6).tolist(), "counts": counts.tolist()},
        "calibration": [b.model_dump() for b in evaluation.calibration],
    }
