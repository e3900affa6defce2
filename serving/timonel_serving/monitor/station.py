"""The models that this process watches."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from timonel.config import Config
from timonel.ledger import Ledger
from timonel.ledger import Place as LedgerPlace
from timonel.monitor.config import MonitorConfig
from timonel.monitor.monitor import ModelMonitor
from timonel.reference import Reference
from timonel_serving.monitor.watched import Clock, Place, Watched
from timonel_serving.problems import NotFound

__all__ = ["Station", "Watched", "open_watched"]


class Station:
    """Models by name, mostly one: that of timonel.yaml."""

    def __init__(self, models: Sequence[Watched]) -> None:
        self._models = {one.name: one for one in models}

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names."""
        return tuple(self._models)

    def model(self, name: str) -> Watched:
        """One of them; raises `NotFound`."""
        found = self._models.get(name)
        if found is None:
            raise NotFound(
                f"there is no model {name[:100]!r} here", fix=f"ask for {' or '.join(self.names)}"
            )
        return found

    def close(self) -> None:
        """Stop all."""
        for one in self._models.values():
            one.close()


def open_watched(
    config: Config, reference: Reference | None = None, clock: Clock = time.time
) -> Watched:
    """The model of the settings, as it was when it was last stopped."""
    ledger = Ledger(LedgerPlace.of(config.ledger, os.environ))
    lateness = {"lateness": config.monitoring.monitor.lateness}
    monitor = ModelMonitor(reference, MonitorConfig.of(config).model_copy(update=lateness))
    return Watched(config.model.name, config, monitor, Place(folder_of(config), ledger), clock)


def folder_of(config: Config) -> Path:
    """Where the state of the settings' model lies."""
    given = config.monitoring.monitor.directory
    folder = config.home / "monitor" if given is None else config.base / given
    return folder.absolute() / config.model.name
