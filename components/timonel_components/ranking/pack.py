"""Packs a ranker: its tables, and the lists that it was examined on."""

import json
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from timonel.config import Config
from timonel.files import write_text
from timonel.performance.ranking import NO_ITEM
from timonel.ranker import Ranker, save_ranker
from timonel_components.evaluation.result import Evaluation
from timonel_components.ranking.interactions import Interactions
from timonel_components.ranking.judging import Truth

TABLES: Final = "tables"
"""The backend that serves a ranker."""
RANKER = "ranker"
"""The folder of its tables in a package."""


def pack(
    directory: Path, ranker: Ranker, evaluation: Evaluation, test: pa.Table, config: Config
) -> None:
    """Write the tables, reference.parquet and reference.json.

    The reference has a row for each list that was judged: `user`, `items`, `scores`, `relevant`
    (whether the user chose the item), `n_relevant` (how many items the user chose), `cold`, and
    `history`, how many items were known of the user.
    """
    save_ranker(ranker, directory / RANKER)
    truth = Truth.of(Interactions.of(test, config), ranker)
    pq.write_table(_lists(truth, ranker, config.ranking.k), directory / "reference.parquet")
    figures = {
        "format_version": 1,
        "rows": len(truth),
        "evaluated_rows": evaluation.rows,
        "period": evaluation.period,
        "threshold": None,
        "confidence": evaluation.confidence,
        "k": config.ranking.k,
        "metrics": {name: e.model_dump() for name, e in evaluation.metrics.items()},
        "by_position": evaluation.ranking.by_position if evaluation.ranking else [],
    }
    write_text(directory / "reference.json", json.dumps(figures, indent=2, allow_nan=False) + "\n")


def _lists(truth: Truth, ranker: Ranker, k: int) -> pa.Table:
    users = list(truth.users)
    ranked, judged = ranker.top_k(users, k), truth.judge(ranker, k)
    real = ranked.items != NO_ITEM
    starts = pa.array(np.append(0, np.cumsum(real.sum(axis=1))).astype(np.int32))
    columns = {
        "items": pa.array(ranker.items.names[ranked.items[real]], pa.string()),
        "scores": pa.array(ranked.scores[real]),
        "relevant": pa.array(judged.relevant[real]),
    }
    lists = {name: pa.ListArray.from_arrays(starts, flat) for name, flat in columns.items()}
    return pa.table(
        {
            "user": pa.array(users, pa.string()),
            **lists,
            "n_relevant": judged.n_relevant,
            "cold": ranked.cold,
            "history": ranker.histories.lengths(ranker.histories.rows(users)),
        }
    )
