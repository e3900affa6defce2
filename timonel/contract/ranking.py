"""The contract of a ranking's table: who chose what and when."""

import pyarrow as pa
import pyarrow.compute as pc

from timonel.config import Config
from timonel.contract.features import MISSING
from timonel.contract.model import ColumnContract, DataContract, RankingContract
from timonel.errors import BadInput


def infer_ranking(table: pa.Table, config: Config, *, time_monotone: bool) -> DataContract:
    """The contract of interactions: its one feature is the user, of whom any name is allowed.

    Raises `BadInput` for a user, item or category column of a type that names nothing, for a user or
    an item that is missing, and for fewer than two of either.
    """
    user, item = str(config.data.entity), config.data.target
    for role, name in (("user", user), ("item", item)):
        _check_names(table[name], name, role)
    if config.ranking.category is not None:
        _check_type(table[config.ranking.category], config.ranking.category, "category")
    return DataContract(
        model=config.model.name,
        task=config.model.task,
        features=(ColumnContract(name=user, kind="categorical"),),
        target=item,
        classes=(),
        ranking=RankingContract(k=config.ranking.k, max_k=config.ranking.max_k),
        time=config.data.time,
        time_monotone=time_monotone,
        key=config.data.key,
        entity=user,
        rows=table.num_rows,
    )


def _check_names(column: pa.ChunkedArray, name: str, role: str) -> None:
    _check_type(column, name, role)
    missing = column.null_count + int(
        pc.sum(pc.equal(column.cast(pa.string()), MISSING)).as_py() or 0
    )
    if missing:
        raise BadInput(
            f"the {role} column {name} is empty in {missing:,} of {len(column):,} rows",
            fix=f"leave out the rows without a {role}: nothing can be learnt from them",
        )
    distinct = pc.count_distinct(column).as_py()
    if distinct < 2:
        raise BadInput(
            f"the {role} column {name} has one value only: a ranking needs two {role}s at least"
        )


def _check_type(column: pa.ChunkedArray, name: str, role: str) -> None:
    dtype = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    texts = (
        pa.types.is_string(dtype),
        pa.types.is_large_string(dtype),
        pa.types.is_string_view(dtype),
    )
    if not any(texts) and not pa.types.is_integer(dtype):
        raise BadInput(
            f"the {role} column {name} has type {column.type}: expected text or whole numbers"
        )
