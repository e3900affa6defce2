"""Holds a table against what it should be: a table that can train a model, like the ones before it."""

from dataclasses import dataclass

import pyarrow as pa

from timonel.config import Config, Task
from timonel.contract import (
    DataContract,
    Enforcer,
    FeatureReader,
    Violation,
    check_table,
    infer_contract,
    reject_broken,
    schema_drift,
    unexpected_columns,
)
from timonel.errors import BadInput
from timonel_components.data.naming import source_name
from timonel_components.evaluation.gates import check_gates
from timonel_components.evaluation.slices import check_slices


@dataclass(frozen=True)
class Validation:
    """The contract of a table, and what is worth knowing without being an error."""

    contract: DataContract
    notes: tuple[str, ...] = ()


def validate(table: pa.Table, config: Config, previous: DataContract | None = None) -> Validation:
    """Infer the table's contract and hold the table against it and against the `previous` one.

    Raises `BadInput`, naming the source, for a table that cannot train a model, for gates and slices
    that it has no figures or columns for, and for columns that vanished or changed their type since
    `previous`. Values beyond what `previous` knew are notes: the world moves on, and a new training
    is how a model follows.
    """
    what = source_name(config)
    try:
        contract = infer_contract(table, config)
        check_gates(config, len(contract.classes))
        check_slices(config, table)
        drift = [] if previous is None else _wanted(schema_drift(previous, table.schema), config)
    except BadInput as error:
        raise BadInput(f"{what}: {error.message}", why=error.why, fix=error.fix) from None
    reject_broken(check_table(contract, table), what)
    reject_broken(drift, f"{what}, against the contract of the model before,")
    if previous is None or contract.task is Task.RANKING:  # users and items come and go by nature
        return Validation(contract)
    return Validation(contract, _changes(previous, contract, table, config))


def _wanted(violations: list[Violation], config: Config) -> list[Violation]:
    """Leave aside columns that the settings took from the model on purpose."""
    features = config.data.features
    kept = [v for v in violations if v.column not in config.data.drop]
    return kept if features is None else [v for v in kept if v.column in features]


def _changes(
    previous: DataContract, contract: DataContract, table: pa.Table, config: Config
) -> tuple[str, ...]:
    notes = [
        f"column {name} is new: the model before did not know it"
        for name in unexpected_columns(previous, table.schema)
        if name not in config.data.drop
    ]
    if set(previous.classes) != set(contract.classes):
        notes.append(
            f"the target {contract.target} holds {_listed(contract.classes)},"
            f" before it held {_listed(previous.classes)}"
        )
    known = _restricted(previous, table)
    found = Enforcer(known).check(FeatureReader(known).from_table(table))
    return (*notes, *map(str, found))


def _restricted(previous: DataContract, table: pa.Table) -> DataContract:
    kept = tuple(c for c in previous.features if c.name in table.column_names)
    return previous.model_copy(update={"features": kept})


def _listed(labels: tuple[bool | int | str, ...]) -> str:
    return ", ".join(map(str, labels[:10])) + (", ..." if len(labels) > 10 else "")
