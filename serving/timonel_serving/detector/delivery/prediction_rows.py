"""Rows as the ledger's table of predictions has them, with privacy applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from timonel.reference.cells import numbers
from timonel_serving.detector.batch import Read
from timonel_serving.detector.delivery.piece import Piece
from timonel_serving.detector.privacy import Privacy
from timonel_serving.detector.texts import texts

if TYPE_CHECKING:
    from timonel_serving.detector.delivery.feature_columns import FeatureColumns

_MICROS = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class PredictionRows:
    """Makes them."""

    model: str
    entity: str | None
    """The column that says whose row it is."""
    classes: Sequence[str]
    """The outcome's values in the order of the probabilities, where known."""
    privacy: Privacy
    columns: "FeatureColumns"

    def of(self, piece: Piece) -> pa.Table:
        """The rows of a piece; no plain value of a column that is dropped or hashed is in them."""
        tables = [self._part(part) for part in piece.parts]
        return pa.concat_tables(tables, promote_options="default")

    def _part(self, part: Read) -> pa.Table:
        features = part.features()
        stored = {name: self.privacy.apply(name, values) for name, values in features.items()}
        kept = {name: values for name, values in stored.items() if values is not None}
        return pa.table({**self._own(part, kept), **self.columns.fit(kept)})

    def _own(self, part: Read, kept: dict[str, pa.Array]) -> dict[str, pa.Array]:
        nothing = pa.nulls(part.rows, pa.string())
        prediction, score = self._outcome(part)
        whose = kept.get(self.entity or "")
        latency, violations = part.role("latency_ms"), part.role("violations")
        absent = pa.nulls(part.rows, pa.float64())
        own = {
            "prediction_id": part.role("prediction_id"),
            "event_time": part.role("timestamp"),
            "arrival_time": pa.array(part.received, _MICROS),
            "model": pa.array([self.model] * part.rows, pa.string()),
            "version": _text(part.role("version")),
            "entity": _text(whose),
            "score": score,
            "prediction": prediction,
            "latency_ms": absent if latency is None else latency.cast(pa.float64()),
            "status": _text(part.role("status")),
            "violations": violations,
        }
        own = {name: nothing if values is None else values for name, values in own.items()}
        return own | {"violations": own["violations"].cast(pa.int32())}

    def _outcome(self, part: Read) -> tuple[pa.Array | None, pa.Array]:
        """Prediction as text, score as a number; of the probabilities of all classes the largest one."""
        prediction, score = part.role("prediction"), part.role("score")
        if score is None:
            return _text(prediction), pa.nulls(part.rows, pa.float64())
        if pa.types.is_list(score.type):
            best = [_best(values) for values in score.to_pylist()]
            score = pa.array([None if b is None else b[1] for b in best], pa.float64())
            named = pa.array([None if b is None else self._class(b[0]) for b in best], pa.string())
            prediction = named if prediction is None else pc.coalesce(_text(prediction), named)
        return _text(prediction), _number(score)

    def _class(self, code: int) -> str:
        return self.classes[code] if code < len(self.classes) else str(code)


def _best(values: object) -> tuple[int, float] | None:
    if not isinstance(values, list) or not values:
        return None
    plain = [v if isinstance(v, int | float) and v == v else -1.0 for v in values]
    at = max(range(len(plain)), key=plain.__getitem__)
    return at, float(plain[at])


def _number(column: pa.Array) -> pa.Array:
    values = numbers(column)
    return pa.array(values, pa.float64(), mask=~(abs(values) < float("inf")))


def _text(column: pa.Array | None) -> pa.Array | None:
    """Values as text, lists of items as JSON: as the ledger is read again."""
    if column is None or not pa.types.is_nested(column.type):
        return None if column is None else texts(column)
    lists = (
        None if v is None else orjson.dumps(v, default=str).decode() for v in column.to_pylist()
    )
    return pa.array(lists, pa.string())
