"""What detector and worker say to each other, beside the rows."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from timonel.config.watching import AlibiKind


class Note(BaseModel):
    """A frozen message that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Plan(Note):
    """The first frame: which detector to make. The second one is the reference's rows, maybe none."""

    kind: AlibiKind | None
    """Made from the reference's rows; None: loaded from `saved`."""
    saved: str | None
    """A directory, or an s3:// address."""
    digest: str | None
    allow_pickle: bool
    features: tuple[str, ...]
    """In the order of the detector's matrix."""
    categorical: tuple[str, ...]
    """Those of the features that are categories, though their values may be numbers."""
    p_value: float
    memory_mb: float


class Ready(Note):
    """The worker has its detector."""

    says: Literal["ready"] = "ready"
    detector: str
    digest: str | None
    """Of a saved detector."""
    memory: int
    """Resident bytes."""


class Refused(Note):
    """The worker cannot have its detector, and will not have it the next time either."""

    says: Literal["refused"] = "refused"
    problem: str


class Verdict(Note):
    """What the detector says of one window."""

    says: Literal["verdict"] = "verdict"
    report: dict[str, Any]
    """`AlibiReport.to_dict`."""
    seconds: float
    memory: int


Said = Annotated[Ready | Refused | Verdict, Field(discriminator="says")]
