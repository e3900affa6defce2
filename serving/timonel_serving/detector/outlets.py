"""Where the detector delivers to, by the settings and the environment."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from timonel.config import Config
from timonel.monitor.config import MonitorConfig
from timonel.monitor.monitor import ModelMonitor
from timonel.reference import Reference
from timonel_serving.detector.batch import ROLES
from timonel_serving.detector.delivery.delivery import Delivery
from timonel_serving.detector.delivery.destination import Destination
from timonel_serving.detector.delivery.ledger import LedgerDestination, Predictions
from timonel_serving.detector.delivery.outbox import Pace
from timonel_serving.detector.privacy import KEY, Privacy, check_privacy
from timonel_serving.detector.spool import identity
from timonel_serving.secret import TOKEN, secret

_AT_ONCE = 50_000
"""Rows of a commit, or of a parcel."""


@dataclass(frozen=True)
class Outlets:
    """The destinations of one detector."""

    config: Config
    reference: Reference | None
    environment: Mapping[str, str]
    spool: Path
    """The folder of the spool."""

    @property
    def name(self) -> str:
        """The detector's name."""
        return self.config.monitoring.detector.name or socket.gethostname()

    def deliveries(self) -> Sequence[Delivery]:
        """A delivery for each destination; raises `BadInput` for settings that cannot be kept to."""
        settings, privacy = self.config.monitoring.detector, self.privacy()
        found = []
        if settings.ledger:
            self._check_place()
            found.append(
                self._delivery(self._ledger(privacy), settings.commit_every.total_seconds())
            )
        if settings.monitor_url is not None:
            every = settings.hand_over_every.total_seconds()
            found.append(self._delivery(self._monitor(settings.monitor_url, privacy), every))
        return found

    def privacy(self) -> Privacy:
        """What is stored of each column."""
        detector, data = self.config.monitoring.detector, self.config.data
        key = secret(KEY, self.environment)
        sliced = self.config.evaluation.slices if detector.monitor_url is not None else ()
        check_privacy(detector.privacy, key, self._columns(), sliced)
        texts = {data.text} if data.text is not None else set()
        if self.reference is not None and self.reference.contract is not None:
            texts |= {column.name for column in self.reference.contract.text}
        return Privacy(detector.privacy, frozenset(texts), (key or "").encode())

    def _check_place(self) -> None:
        if "://" in self.config.ledger:  # a directory is never refused, and the import takes long
            from timonel.ledger import Place

            Place.of(self.config.ledger, self.environment)

    def _columns(self) -> set[str] | None:
        """The columns that there are; None: that is not known."""
        reference, data = self.reference, self.config.data
        if reference is None:
            return None
        contract = reference.contract
        features = reference.names if contract is None else tuple(c.name for c in contract.features)
        return {*features, *(name for name in (data.entity, data.text) if name is not None)}

    def _delivery(self, destination: Destination, every: float) -> Delivery:
        waiting = self.config.monitoring.detector.outbox_rows
        return Delivery(destination, Pace(every, min(_AT_ONCE, waiting // 2), waiting))

    def _ledger(self, privacy: Privacy) -> Destination:
        known, model = self.reference, self.config.model.name
        contract = None if known is None else known.contract
        classes = () if known is None or known.classes is None else known.classes.names
        kept = Predictions(model, self.config.data.entity, classes, contract, privacy)
        return LedgerDestination(self.config.ledger, self.environment, self.name, kept)

    def _monitor(self, url: str, privacy: Privacy) -> Destination:
        from timonel_serving.detector.delivery.monitor import MonitorDestination, Sender

        token, folder = secret(TOKEN, self.environment), None
        if self.reference is not None:
            watching = MonitorConfig.of(self.config).model_copy(update={"columns": ROLES})
            folder = ModelMonitor(self.reference, watching)
        sender = Sender(self.name, identity(self.spool))
        return MonitorDestination(url, self.config.model.name, sender, token, folder, privacy)
