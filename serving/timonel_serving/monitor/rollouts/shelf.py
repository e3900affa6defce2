"""The files of the rollouts of one model."""

import logging
from pathlib import Path

from pydantic import ValidationError

from timonel_serving.monitor.disk.durable import write_durably
from timonel_serving.monitor.rollouts.state import Hosted

MOST = 20
"""Rollouts of a model that are kept; the oldest that have ended go."""
_log = logging.getLogger("timonel.monitor")


class Shelf:
    """One file a rollout, named by its id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> dict[str, Hosted]:
        """All of them by id, the oldest first. A file that cannot be read is left alone, and said."""
        found = [self._read(path) for path in sorted(self._folder.glob("*.json"))]
        known = [one for one in found if one is not None]
        return {one.id: one for one in sorted(known, key=lambda one: one.opened)}

    def save(self, one: Hosted) -> None:
        """Write one; it is on the disk when this returns."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_durably(self._path(one.id), one.model_dump_json().encode())

    def remove(self, name: str) -> None:
        """Forget one."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    @staticmethod
    def _read(path: Path) -> Hosted | None:
        try:
            return Hosted.model_validate_json(path.read_bytes())
        except (ValidationError, OSError) as error:
            _log.error("the rollout %s cannot be read: %s", path, str(error).splitlines()[0])
            return None
