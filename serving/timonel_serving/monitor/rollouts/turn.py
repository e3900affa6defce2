"""The lease of a model while one of its rollouts is judged here: nobody else begins one."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from timonel.errors import Busy
from timonel_serving.monitor.rollouts.looking import Source
from timonel_serving.problems import Conflict

if TYPE_CHECKING:
    from timonel.canary.record.chain import Chain
    from timonel.ledger import Ledger


class Turn:
    """Held in the ledger's chain of decisions; without a ledger everybody has it."""

    def __init__(self, model: str, lease: timedelta, source: Source) -> None:
        self._model, self._lease, self._source = model, lease, source
        self._chain: Chain | None = None

    def claim(self, rollout: str, canary: str) -> None:
        """Take the lease or renew it; raises `Conflict` naming the rollout that has it."""
        ledger = self._source.ledger
        if ledger is None:
            return
        if self._chain is None or self._chain.rollout != rollout:
            self._chain = self._begun(ledger, rollout)
        try:
            self._chain.claim(canary)
        except Busy as error:
            raise Conflict(error.message, why=error.why, fix=error.fix) from None

    def due(self, rollout: str) -> bool:
        """Whether the lease is to be renewed; that of a former run of the monitor is, too."""
        known = self._chain
        return known is None or known.rollout != rollout or known.due

    def _begun(self, ledger: "Ledger", rollout: str) -> "Chain":
        from timonel.canary.record.chain import Chain

        return Chain(ledger, self._model, rollout, self._lease, self._now, hosted=True)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._source.now(), UTC)
