"""What all concept detectors promise, and the bookkeeping that they share."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol

from timonel.errors import BadInput

STATE_VERSION = 1


class ConceptDetector(Protocol):
    """Takes losses one at a time, in the order of the predictions, and says when they have changed.

    Every detector is deterministic, ignores and counts NaN and None, and continues from its saved state
    exactly as if it had never stopped. After an alarm the next update starts a new search.
    """

    @property
    def drift_detected(self) -> bool:
        """Whether the last update raised an alarm."""

    @property
    def n(self) -> int:
        """Losses used since the start or the last `reset`."""

    @property
    def n_ignored(self) -> int:
        """Losses that were missing (NaN or None), and so not used."""

    def update(self, x: float | None) -> None:
        """Take one loss from 0 to 1 (an error is 1); raises BadInput for any other number."""

    def reset(self) -> None:
        """Forget everything, what was learnt too: the detector is as when it was made."""

    def state_dict(self) -> dict[str, object]:
        """The whole state as plain JSON values."""

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue from a saved state; raises BadInput if it is of another detector or settings."""


class CountedDetector(ABC):
    """The part that does not differ: which losses count, and whose state it is."""

    def __init__(self) -> None:
        self._n = self._n_ignored = 0
        self._drift_detected = False

    @property
    def drift_detected(self) -> bool:
        """Whether the last update raised an alarm."""
        return self._drift_detected

    @property
    def n(self) -> int:
        """Losses used since the start or the last `reset`."""
        return self._n

    @property
    def n_ignored(self) -> int:
        """Losses that were missing (NaN or None), and so not used."""
        return self._n_ignored

    def update(self, x: float | None) -> None:
        """Take one loss from 0 to 1 (an error is 1); raises BadInput for any other number."""
        loss = read_loss(x)
        if loss is None:
            self._n_ignored += 1
            self._drift_detected = False
            return
        self._n += 1
        self._drift_detected = self._step(loss)

    def reset(self) -> None:
        """Forget everything, what was learnt too: the detector is as when it was made."""
        self._n = self._n_ignored = 0
        self._drift_detected = False
        self._restart()

    def state_dict(self) -> dict[str, object]:
        """The whole state as plain JSON values."""
        return {
            "detector": type(self).__name__,
            "version": STATE_VERSION,
            "settings": self._settings(),
            "n": self._n,
            "n_ignored": self._n_ignored,
            "drift_detected": self._drift_detected,
            "state": self._save(),
        }

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue from a saved state; raises BadInput if it is of another detector or settings."""
        own = {k: self.state_dict()[k] for k in ("detector", "version", "settings")}
        other = {k: state.get(k) for k in own}
        if own != other:
            raise BadInput(
                f"the saved state is of {other}, expected {own}",
                fix="make the detector with the settings that the state was saved with",
            )
        n, n_ignored, alarm, inner = (
            state.get(k) for k in ("n", "n_ignored", "drift_detected", "state")
        )
        if not (isinstance(n, int) and isinstance(n_ignored, int) and isinstance(inner, Mapping)):
            raise BadInput(
                f"the saved state of {type(self).__name__} is not whole: n, n_ignored or state is missing",
                fix="save it again with state_dict()",
            )
        self._load(inner)
        self._n, self._n_ignored, self._drift_detected = n, n_ignored, bool(alarm)

    @abstractmethod
    def _step(self, loss: float) -> bool:
        """Take one loss; whether it raises the alarm."""

    @abstractmethod
    def _restart(self) -> None:
        """Forget what was seen."""

    @abstractmethod
    def _settings(self) -> dict[str, object]:
        """The settings that a saved state belongs to."""

    @abstractmethod
    def _save(self) -> dict[str, object]:
        """The state beyond the counts."""

    @abstractmethod
    def _load(self, state: Mapping[str, object]) -> None:
        """Take up a state made by `_save`."""


def read_loss(x: float | None) -> float | None:
    """The loss as a float, None if it is missing; raises BadInput outside 0 to 1."""
    if x is None:
        return None
    loss = float(x)
    if math.isnan(loss):
        return None
    if not 0 <= loss <= 1:
        raise BadInput(
            f"a loss is {loss:g}, expected a number from 0 to 1",
            fix="pass 0 for a right and 1 for a wrong prediction, or divide the loss by its greatest value",
        )
    return loss
