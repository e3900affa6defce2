"""The account of a model: its windows, and the predictions that wait for their labels."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from timonel.durations import microseconds
from timonel.monitor.config import MonitorConfig
from timonel.monitor.model import WatchedModel
from timonel.monitor.times import NO_TIME
from timonel.reference import CategoryBins, Reference
from timonel.windows.events import Events
from timonel.windows.labels import Labels
from timonel.windows.layout import Layout
from timonel.windows.pending import Pending, Settlement
from timonel.windows.state import WindowState


@dataclass(eq=False)
class Account:
    """Counts predictions at once and outcomes when they come, each at its prediction's time."""

    model: WatchedModel
    state: WindowState
    pending: Pending
    judged: frozenset[str] = field(default=frozenset())
    """The fields that count outcomes."""
    _forgotten: int = 0
    """Up to when predictions were forgotten; microseconds."""

    @classmethod
    def open(
        cls, model: WatchedModel, reference: Reference | None, config: MonitorConfig
    ) -> "Account":
        """An account without entries."""
        layout = Layout.of(
            model.packs,
            slices=config.slices,
            listed=_listed(reference, config.slices),
            retention=microseconds(config.retention),
        )
        remembers = dict.fromkeys(name for pack in model.packs for name in pack.remembers)
        return cls(
            model,
            WindowState(layout),
            Pending(tuple(remembers), limit=config.max_pending),
            frozenset(f.name for f in layout.fields if f.judged),
        )

    def add(self, events: Events, arrived: NDArray[np.int64]) -> None:
        """Count predictions; `arrived` is when the labels among them became known, or NO_TIME."""
        self.state.fold(events, self.model.packs)
        self.pending.add(events, np.where(arrived == NO_TIME, events.time, arrived))
        self._apply(self.pending.settle())
        self._forget()

    def label(self, labels: Labels) -> None:
        """Count outcomes of predictions made before, or hold them until their prediction comes."""
        self._apply(self.pending.settle(labels))

    def take(self) -> tuple[WindowState, Pending]:
        """All entries, which leave the account empty."""
        taken, pending = self.state, self.pending
        self.state = WindowState(taken.layout)
        self.pending = Pending(
            pending.remembers, pending.outcome, pending.limit, pending.held_limit
        )
        return taken, pending

    def merge(self, state: WindowState, pending: Pending) -> None:
        """Add the entries of another account of the same model."""
        self.state.absorb(state)
        self._apply(self.pending.absorb(pending))
        self._forget()

    def _forget(self) -> None:
        """What the windows hold no more needs no label either."""
        if self.state.clock.horizon > self._forgotten:
            self._forgotten = self.state.clock.horizon
            self.pending.expire(self._forgotten)

    def _apply(self, settled: Settlement) -> None:
        for events in settled.take_back:
            self.state.judge(events, self.model.packs, sign=-1)
        for events in settled.judge:
            self.state.judge(events, self.model.packs)


def _listed(
    reference: Reference | None, slices: tuple[str, ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The values of slices that the reference knows."""
    if reference is None:
        return ()
    known = {b.name: b.categories for b in reference.bins if isinstance(b, CategoryBins)}
    return tuple((name, known[name]) for name in slices if name in known)
