"""What the chain of decisions says of a rollout that promoted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from timonel.canary import Second, Verdict
from timonel.canary.record.reading import KIND, Step, details_of, numbers_of
from timonel.errors import BadInput
from timonel.ledger import Record


@dataclass(frozen=True)
class Past:
    """The records that a second verdict builds on."""

    started: datetime
    promoted: datetime
    judged: str
    """The hash of the record of the first verdict: the second one is linked to it."""
    said: dict[str, Any] | None
    """The numbers of the last second verdict, if there was one."""
    over: bool
    """Whether nothing is left to do: it was kept, or it was rolled back to the end."""

    @property
    def verdict(self) -> Second | None:
        """The last second verdict."""
        return None if self.said is None else Second(self.said["verdict"])


def past_of(records: Iterable[Record], model: str, rollout: str) -> Past:
    """Read it; raises BadInput where the rollout did not promote."""
    own = [r for r in records if r.kind == KIND and r.model == model and _rollout(r) == rollout]
    at = {step: i for i, r in enumerate(own) if (step := _step(r)) is not None}
    judged = max((i for i, r in enumerate(own) if _step(r) is Step.JUDGED), default=None)
    ended = next((i for i, r in enumerate(own) if _step(r) is Step.ENDED), None)
    promoted = ended is not None and numbers_of(own[ended]).get("verdict") == Verdict.PROMOTE
    if judged is None or ended is None or not promoted or Step.PROMOTING not in at:
        raise BadInput(
            f"rollout {rollout} did not promote: the ledger has no record of it",
            fix="ask for a second verdict on a rollout that ended in promote (--id)",
        )
    first = next((i for i, r in enumerate(own) if _step(r) is Step.STARTED), 0)
    second = at.get(Step.SECOND)
    said = None if second is None else numbers_of(own[second])
    verdict = None if said is None else said["verdict"]
    undone = second is not None and at[Step.ENDED] > second
    return Past(
        datetime.fromisoformat(own[first].time),
        datetime.fromisoformat(own[ended].time),
        own[judged].hash,
        said,
        verdict == Second.KEEP or (verdict == Second.ROLLBACK and undone),
    )


def _rollout(record: Record) -> str | None:
    found = details_of(record)
    return None if found is None else found.rollout


def _step(record: Record) -> Step | None:
    found = details_of(record)
    return None if found is None else found.step
