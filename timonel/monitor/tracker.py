"""The tracker: takes predictions and labels in, and keeps the windows of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.durations import microseconds
from timonel.errors import BadInput
from timonel.monitor.account import Account
from timonel.monitor.admission import Admission, Admitted
from timonel.monitor.batch import Batch, Delivery, first_outcomes, read_batch
from timonel.monitor.columns import load_columns, save_columns
from timonel.monitor.config import MonitorConfig, Role
from timonel.monitor.estimates import Estimates
from timonel.monitor.feature_windows import FeatureWindows, reference_of
from timonel.monitor.intake import read_ids, tell_columns
from timonel.monitor.learning import Learning, Progress
from timonel.monitor.model import is_told, watched_model
from timonel.monitor.outcomes import UNSEEN_LABEL
from timonel.monitor.parcel import Parcel
from timonel.monitor.terms import Terms, require_same, terms_of
from timonel.monitor.times import LATEST, NO_TIME, micros_of
from timonel.reference import Reference
from timonel.windows import arrow, pending_arrow
from timonel.windows.envelope import seal, unseal
from timonel.windows.labels import Labels

KIND, FORMAT = "tracker", 1
ODD_METADATA = "metadata that is no mapping: ignored"
NO_LABEL = "label without a prediction id or a value"


class Tracker:
    """The windows of one model. Not safe to use from two threads at once: the monitor locks."""

    def __init__(self, reference: Reference | None, config: MonitorConfig) -> None:
        self.config = config
        self.rejected: Counter[str] = Counter()
        """What could not be used, by reason."""
        self.features: FeatureWindows | None = None
        """None until there is a reference."""
        self.oldest = LATEST
        """The oldest event time believed."""
        self._account: Account | None = None
        self._seen: Mapping[str, Any] = {}
        """The outcomes that told what the model predicts."""
        self._admission = Admission(config, self.rejected)
        self._learning = Learning(config.learning_rows, microseconds(config.learning_span))
        if reference is not None:
            self.features = FeatureWindows(reference, config)
        if is_told(reference, config):
            self._open({})

    def _open(self, seen: Mapping[str, Any]) -> Account:
        reference = None if self.features is None else self.features.reference
        model = watched_model(reference, self.config, seen)
        self._account, self._seen = Account.open(model, reference, self.config), seen
        return self._account

    @property
    def account(self) -> Account:
        """The windows of service and outcome; those of a binary model until something else is known."""
        return self._account or self._open({})

    @property
    def learning(self) -> Progress | None:
        """How far the first stable stretch has come; None with a reference."""
        return None if self.features is not None else self._learning.progress

    @cached_property
    def estimates(self) -> Estimates | None:
        """Performance without labels; None without a labelled reference, which is given or never comes."""
        if self.features is None:
            return None
        return Estimates.of(self.features.reference, self.account.model)

    @property
    def newest(self) -> int:
        """The newest event time believed; -1 before the first."""
        return self._admission.newest

    @property
    def held_back(self) -> int:
        """Events that wait for others to confirm their time."""
        return self._admission.held_back

    def track(self, deliveries: Sequence[Delivery]) -> None:
        """Count the rows of logs; what the model predicts is told from the first that ever come."""
        known = self._known()
        logs = [
            tell_columns(one.columns, one.rows, self.config.columns, known, self.rejected)
            for one in deliveries
        ]
        if self._account is None:
            self._open(first_outcomes(logs))
        if odd := sum(one.odd for one in deliveries):
            self.rejected[ODD_METADATA] += odd
        newest = [one.newest for one in deliveries]
        self._take(
            self._admission.admit(
                [
                    read_batch(log, at, self.account.model, self.config.slices, self.rejected)
                    for log, at in zip(logs, newest, strict=True)
                ]
            )
        )

    def _known(self) -> tuple[str, ...] | None:
        """The features of the reference, and its text; None: whatever comes is a feature."""
        if self.features is None:
            return None
        texts = None if self._account is None else self._account.model.texts
        names = self.features.reference.names
        return names if texts is None else (*names, texts.column)

    def _take(self, admitted: Admitted) -> None:
        for batch in admitted.batches:
            self._fold(batch)
        for parcel in admitted.parcels:
            self._add(parcel)

    def _fold(self, batch: Batch) -> None:
        self.oldest = min(self.oldest, int(batch.events.time.min()))
        self.account.add(batch.events, batch.arrived)
        self._count_features(batch.events.time, batch.features)

    def _count_features(self, time: NDArray[np.int64], features: Mapping[str, pa.Array]) -> None:
        if self.features is not None:
            self.features.fold(time, features)
            return
        self._learning.add(time, features)
        stretch = self._learning.take()
        if stretch is not None:
            self.features = FeatureWindows(stretch.reference, self.config)
            held = {name: stretch.features[name] for name in stretch.features.column_names}
            self.features.fold(stretch.time, held)

    @property
    def terms(self) -> Terms:
        """What the counters mean."""
        return terms_of(self.account, self.features, self.config)

    def hand_over(self) -> Parcel:
        """All that was counted, which is forgotten; what is held back stays."""
        terms, (state, pending) = self.terms, self.account.take()
        features = None if self.features is None else self.features.take()
        known = terms["reference"] is not None
        oldest = -1 if self.oldest == LATEST else self.oldest
        rejected, self.oldest = dict(self.rejected), LATEST
        self.rejected.clear()
        return Parcel(terms, state, features if known else None, pending, rejected, oldest)

    def merge(self, parcel: Parcel) -> None:
        """Add what another tracker has handed over."""
        require_same(self.terms, parcel.terms)
        self._take(self._admission.admit((), parcel))

    def _add(self, parcel: Parcel) -> None:
        if parcel.newest >= 0:
            self.oldest = min(self.oldest, parcel.oldest)
        self.rejected.update(parcel.rejected)
        self.account.merge(parcel.state, parcel.pending)
        if self.features is not None and parcel.features is not None:
            self.features.state.absorb(parcel.features)

    def save(self) -> dict[str, pa.RecordBatch]:
        """All of it as sealed parts; `resume` reads them."""
        head, seen = save_columns(self._seen)
        account, features = self.account, self.features
        head |= {"rejected": dict(self.rejected), "oldest": self.oldest, "terms": dict(self.terms)}
        head["estimates"] = None if self.estimates is None else self.estimates.to_dict()
        parts = {
            "tracker": seal(KIND, FORMAT, head, seen),
            "state": arrow.to_arrow(account.state),
            "pending": pending_arrow.to_arrow(account.pending),
            "learning": self._learning.save(),
            **self._admission.save(),
        }
        if features is not None:
            parts |= {"reference": features.sealed, "features": arrow.to_arrow(features.state)}
        return parts

    @classmethod
    def restore(cls, parts: Mapping[str, pa.Table], config: MonitorConfig) -> "Tracker":
        """A tracker that goes on as the one that was saved; BadInput if `config` has it count otherwise."""
        ((head, seen),) = unseal(KIND, FORMAT, parts["tracker"])
        reference = reference_of(parts["reference"]) if "reference" in parts else None
        learnt = reference is not None and reference.learnt
        tracker = cls(None if learnt else reference, config)
        account = tracker._open(load_columns(head, seen))
        if learnt and reference is not None:
            tracker.features = FeatureWindows(reference, config)
        require_same(tracker.terms, head["terms"])
        account.state = arrow.from_arrow(parts["state"])
        account.pending = pending_arrow.from_arrow(parts["pending"])
        if tracker.features is not None:
            tracker.features.state = arrow.from_arrow(parts["features"])
        tracker._learning.resume(parts["learning"])
        tracker._admission.resume(parts)
        tracker.rejected.update(head["rejected"])
        tracker.oldest = head["oldest"]
        if tracker.estimates is not None:
            tracker.estimates.resume(head["estimates"])
        return tracker

    def arrivals(self, arrived_at: Any, rows: int) -> NDArray[np.int64]:
        """When labels became known; now, in event time, where that is not said."""
        arrived = np.full(rows, NO_TIME) if arrived_at is None else micros_of(arrived_at)
        return np.where(arrived < 0, max(self.newest, 0), arrived)

    def label(self, ids: Any, actual: Any, arrived: NDArray[np.int64]) -> None:
        """Take outcomes that come after their predictions, by prediction id."""
        column, before = read_ids(ids), self.rejected[UNSEEN_LABEL]
        codes, usable = self.account.model.outcome.actuals(actual, self.rejected)
        keep = usable & np.asarray(column.is_valid())
        unseen = self.rejected[UNSEEN_LABEL] - before
        if int((~keep).sum()) > unseen:
            self.rejected[NO_LABEL] += int((~keep).sum()) - unseen
        at = np.flatnonzero(keep)
        self.account.label(Labels(column.take(pa.array(at)), arrived[at], {"actual": codes[at]}))

    def read_labels(self, columns: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        """Of a table of outcomes: prediction_id, actual (or label), arrived_at (or arrival_time)."""
        found = {
            role: next((n for n in (self.config.columns.get(role), *names) if n in columns), None)
            for role, names in _LABEL_COLUMNS.items()
        }
        for role in ("prediction_id", "actual"):
            if found[role] is None:
                raise BadInput(
                    f"the table of labels lacks {role}, it has {', '.join(columns)}",
                    fix="name it so, or say in the settings' `columns` what it is called",
                )
        ids, actual, arrived = (None if n is None else columns[n] for n in found.values())
        return ids, actual, arrived


_LABEL_COLUMNS: Mapping[Role, tuple[str, ...]] = {
    "prediction_id": ("prediction_id",),
    "actual": ("actual", "label"),
    "arrived_at": ("arrived_at", "arrival_time", "label_arrival_time"),
}
