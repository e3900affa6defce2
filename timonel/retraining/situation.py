"""What is known when somebody asks whether to retrain."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from timonel.diagnosis import Diagnosis
from timonel.errors import BadInput


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sign that the model got worse."""

    what: str
    """One sentence with the numbers."""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A person who asks for a training."""

    reason: str
    force: bool = False
    """Train although the diagnosis, the labels or the pace forbid it."""

    def __post_init__(self) -> None:
        if self.force and not self.reason.strip():
            raise BadInput(
                "a forced training has no reason",
                why="it goes past every veto, and the record must say why",
                fix='say it: --force "the vendor confirmed the new unit"',
            )


class Outcome(StrEnum):
    """What became of a training."""

    RUNNING = "running"
    """It, or the rollout of its version, is under way."""
    DONE = "done"
    """Its version was registered, and not rolled back."""
    FAILED = "failed"
    """An error, a gate, or the canary stopped it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A former training, or a recalibration."""

    time: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels that have matured since the model in service was trained."""

    positives: int
    """Of the positive class; of more than two classes, of the rarest."""
    negatives: int
    """Of all others."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that a decision rests on."""

    time: datetime
    model: str
    version: str | None
    """In service."""
    trained: datetime
    """When that version was trained."""
    labels: Labels
    recent: Labels | None = None
    """Of those, of predictions since the change: what a recalibration is fitted to and judged by, and
    what a changed concept is learnt from."""
    maturity: timedelta = timedelta(0)
    """The age by which a row's label has arrived."""
    parting: timedelta = timedelta(0)
    """So long a time rows must span to be parted into training, validation and test."""
    loss: Evidence | None = None
    """The error rate of matured predictions has risen: an alarm of e-SR since `trained`."""
    estimate: Evidence | None = None
    """The performance estimated without labels is below the usual."""
    drift: Evidence | None = None
    """Inputs have drifted by a material effect."""
    request: Request | None = None
    diagnosis: Diagnosis | None = None
    """None: nobody diagnosed, and the evidence stands alone."""
    attempts: tuple[Attempt, ...] = ()
    """The oldest first."""
    previous: str | None = None
    """The version that served before: what a rollback goes back to."""

    @property
    def age(self) -> timedelta:
        """Time since the version in service was trained."""
        return self.time - self.trained

    @property
    def forced(self) -> bool:
        """Whether a person takes the responsibility."""
        return self.request is not None and self.request.force
