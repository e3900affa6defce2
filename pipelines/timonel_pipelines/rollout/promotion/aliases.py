"""Moves the registry's aliases, each from what it is known to be: MLflow itself sets without asking.

Whoever holds the lease is the only one who moves them, so between the look and the move nobody else does.
A person who sets an alias by hand within those milliseconds is not noticed; one who did so before is.
"""

from dataclasses import dataclass

from timonel.errors import Busy, Corrupt
from timonel_components.tracking.runs import Tracking

LAST_KNOWN_GOOD = "last_known_good"


@dataclass(frozen=True)
class Aliases:
    """The aliases of one registered model."""

    tracking: Tracking
    model: str

    def of(self, alias: str) -> str | None:
        """The version that an alias names."""
        found = self.tracking.call("get_registered_model", self.model).aliases.get(alias)
        return None if found is None else str(found)

    def move(self, alias: str, expected: str, to: str) -> bool:
        """Move an alias that names `expected`; False if it names `to` already.

        Raises Busy if it names anything else, Corrupt if it does not name `to` afterwards.
        """
        now = self.of(alias)
        if now == to:
            return False
        if now != expected:
            raise Busy(
                f"the alias {alias} of {self.model} names version {now}, expected {expected}",
                why="somebody moved it since the rollout began: what was judged is not what would be"
                " replaced",
            )
        self.pin(alias, to)
        return True

    def pin(self, alias: str, to: str) -> None:
        """Point an alias, whatever it named."""
        self.tracking.call("set_registered_model_alias", self.model, alias, to)
        if (found := self.of(alias)) != to:
            raise Corrupt(f"the alias {alias} names version {found} after it was set to {to}")
