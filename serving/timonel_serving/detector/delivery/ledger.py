"""The ledger as a destination: rows in its table of predictions, each exactly once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from timonel.contract import DataContract
from timonel.errors import BadInput, Denied
from timonel_serving.detector.delivery.destination import Attempt
from timonel_serving.detector.delivery.piece import Piece
from timonel_serving.detector.delivery.prediction_rows import PredictionRows
from timonel_serving.detector.privacy import Privacy

if TYPE_CHECKING:
    from timonel.ledger import Ledger

_TABLE = "predictions"


@dataclass(frozen=True)
class Predictions:
    """Whose predictions are kept, and what of them."""

    model: str
    entity: str | None
    """The column that says whose row it is."""
    classes: tuple[str, ...]
    """The outcome's values in the order of the probabilities, where known."""
    contract: DataContract | None
    privacy: Privacy


@dataclass(frozen=True, eq=False)
class LedgerDestination:
    """Appends under this detector's name. Opened in the delivery's thread: its libraries load slowly."""

    address: str
    environment: Mapping[str, str] = field(repr=False)
    detector: str
    predictions: Predictions
    name: str = "ledger"

    def mark(self) -> int:
        """The position up to which rows are in the ledger."""
        self._learn_columns()
        return self._ledger.mark(self.detector)

    def pack(self, piece: Piece) -> Attempt:
        """One commit with all rows of the piece, and its mark."""
        from timonel.ledger import Mark

        table, mark = self._rows.of(piece), Mark(self.detector, piece.mark)

        def attempt() -> bool:
            try:
                return self._ledger.append(_TABLE, table, mark) > 0
            except Denied:
                raise
            except BadInput:  # another writer may have added the column with another type
                self._learn_columns()
                return self._ledger.append(_TABLE, self._rows.of(piece), mark) > 0

        return attempt

    def greet(self) -> None:
        """Nobody waits to hear."""

    def leave(self) -> None:
        """Nobody waits for more."""

    @cached_property
    def _ledger(self) -> "Ledger":
        from timonel.ledger import Ledger, Place

        return Ledger(Place.of(self.address, self.environment))

    @cached_property
    def _rows(self) -> PredictionRows:
        from timonel_serving.detector.delivery.feature_columns import FeatureColumns

        kept = self.predictions
        columns = FeatureColumns(kept.contract)
        return PredictionRows(kept.model, kept.entity, kept.classes, kept.privacy, columns)

    def _learn_columns(self) -> None:
        self._rows.columns.know(self._ledger.rows(_TABLE).schema)
