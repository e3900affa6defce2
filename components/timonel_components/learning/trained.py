"""What is known of a trained candidate."""

from pydantic import BaseModel, ConfigDict

from timonel.config import Candidate


class TrainedInfo(BaseModel):
    """What is known of a trained candidate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: Candidate
    params: dict[str, float | int]
    metric: str
    score: float
    """The metric on the validation rows."""
    threshold: float | None
    """Score from which a row counts as positive; None for more than two classes."""
    seconds: float
    rows: int
    """Rows it learnt from."""
    trials: int
    """Settings that were tried."""
