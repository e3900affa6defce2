"""The models that this process watches."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from timonel.config import Config
from timonel.monitor.config import MonitorConfig
from timonel.monitor.monitor import ModelMonitor
from timonel.reference import Reference
from timonel_serving.monitor.models.watched import Clock, Place, Watched
from timonel_serving.monitor.served.file import VARIABLE
from timonel_serving.problems import NotFound

if TYPE_CHECKING:
    from timonel.ledger import Ledger

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
    config: Config,
    reference: Reference | None,
    environment: Mapping[str, str],
    clock: Clock = time.time,
) -> Watched:
    """The model of the settings, as it was when it was last stopped."""
    own = {"lateness": config.monitoring.monitor.lateness, "columns": {}}
    monitor = ModelMonitor(reference, MonitorConfig.of(config).model_copy(update=own))
    keeps = config.monitoring.monitor.ledger
    opened = partial(_ledger_at, config.ledger, environment) if keeps else None
    said = environment.get(VARIABLE)
    place = Place(folder_of(config, reference), opened, Path(said) if said else None)
    return Watched(config.model.name, config, monitor, place, clock)


def _ledger_at(address: str, environment: Mapping[str, str]) -> "Ledger":
    from timonel.ledger import Ledger
    from timonel.ledger import Place as LedgerPlace

    return Ledger(LedgerPlace.of(address, environment))


def folder_of(config: Config, reference: Reference | None) -> Path:
    """Where the state of the settings' model lies: what was counted by one reference fits no other."""
    given = config.monitoring.monitor.directory
    folder = config.home / "monitor" if given is None else config.base / given
    name = "learnt" if reference is None else digest_of(reference)[:12]
    return folder.absolute() / config.model.name / name


def digest_of(reference: Reference) -> str:
    """The same for equal references alone."""
    return hashlib.sha256(json.dumps(reference.head()).encode()).hexdigest()
