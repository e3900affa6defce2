"""The data contract: inferred from the training table, enforced at training and at serving."""

from timonel.contract.enforce import (
    Breach,
    Enforcer,
    Rule,
    Violation,
    check_table,
    reject_broken,
    schema_drift,
    unexpected_columns,
)
from timonel.contract.features import MISSING, FeatureBatch, FeatureReader
from timonel.contract.infer import infer_contract
from timonel.contract.model import ColumnContract, DataContract

__all__ = [
    "MISSING",
    "Breach",
    "ColumnContract",
    "DataContract",
    "Enforcer",
    "FeatureBatch",
    "FeatureReader",
    "Rule",
    "Violation",
    "check_table",
    "infer_contract",
    "reject_broken",
    "schema_drift",
    "unexpected_columns",
]
