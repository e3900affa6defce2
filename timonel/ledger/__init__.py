"""The ledger: Delta tables of predictions, labels, windows and decisions."""

from timonel.ledger.chain import Breach, Decision, Record, Verdict
from timonel.ledger.erasure import Removal
from timonel.ledger.ledger import Ledger
from timonel.ledger.place import Place
from timonel.ledger.schema import TableName
from timonel.ledger.tables import Mark
from timonel.ledger.upkeep import Compaction

__all__ = [
    "Breach",
    "Compaction",
    "Decision",
    "Ledger",
    "Mark",
    "Place",
    "Record",
    "Removal",
    "TableName",
    "Verdict",
]
