"""What the examination of a model found: numbers only, JSON on disk, nothing to recompute."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from timonel.config import Task
from timonel.errors import BadInput
from timonel.files import write_text


class Frozen(BaseModel):
    """A part of the result."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Estimate(Frozen):
    """A figure with its interval, or the reason why there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    def __str__(self) -> str:
        if self.value is None:
            return f"undefined: {self.reason}"
        if self.low is None or self.high is None:
            return f"{self.value:.4g}"
        return f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g})"


class Slice(Frozen):
    """The figures of one group of rows."""

    column: str
    group: str
    rows: int
    metrics: dict[str, Estimate]


class CalibrationBin(Frozen):
    """Rows of similar score: what the model says and what happened."""

    rows: int
    score: float
    rate: float
    low: float
    high: float
    """Wilson interval of the rate."""


class Perturbation(Frozen):
    """The model's figures on spoilt rows."""

    name: str
    metric: str
    value: Estimate
    change: Estimate
    """Against the same rows unspoilt, paired."""


class Latency(Frozen):
    """Time of one prediction call, in milliseconds."""

    backend: str
    rows: int
    calls: int
    p50_ms: Estimate
    p95_ms: Estimate


class Challenge(Frozen):
    """The model against the champion on the same rows."""

    version: str
    """Digest of the champion's package."""
    rows: int
    champion: dict[str, Estimate]
    difference: dict[str, Estimate]
    """The model's figure less the champion's, paired."""
    note: str = ""


class Importance(Frozen):
    """How much a feature matters."""

    feature: str
    permutation: float
    """Rise of log loss when the feature is shuffled."""
    low: float
    high: float
    shap: float | None = None
    """Mean absolute SHAP value, in log odds."""
    effects: tuple[float, ...] = ()
    """SHAP values of some rows, for two classes: above 0 towards the positive class."""
    levels: tuple[float, ...] = ()
    """The feature's value in those rows, by rank from 0 to 1; empty for categories."""


class Explanation(Frozen):
    """What the model looks at."""

    importances: tuple[Importance, ...]
    method: str
    """How they were found, in a sentence."""


class Curve(Frozen):
    """A line to draw."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    threshold: tuple[float, ...] = ()


class ScoreCounts(Frozen):
    """How many rows of a class got which score, in bins of equal width."""

    edges: tuple[float, ...]
    counts: dict[str, tuple[int, ...]]
    """By the true class."""


class RankingFindings(Frozen):
    """What was found of a ranking beside its figures."""

    k: int
    """Length of the lists."""
    users: int
    """Users who chose something new, whose lists were judged."""
    nothing_new: int
    """Users who chose only what they had chosen before: no list was judged."""
    catalogue: int
    """Items that the ranker knows."""
    by_position: tuple[float, ...]
    """The share of lists whose item at each place was chosen."""
    exposure: Curve
    """Share of the catalogue, the least shown items first, against its share of all places."""


class Evaluation(Frozen):
    """The examination of one model on the rows that training never saw."""

    model: str
    task: Task
    candidate: str
    classes: tuple[str, ...]
    rows: int
    period: tuple[str, str] | None
    """Time of the first and of the last row."""
    threshold: float | None
    confidence: float
    resamples: int
    resampled: str
    """What is drawn again for the intervals: rows, or all rows of an entity together."""
    selection_metric: str
    metrics: dict[str, Estimate]
    per_class: dict[str, dict[str, Estimate]] = {}
    """For more than two classes: recall, precision and rows of each."""
    confusion: tuple[tuple[int, ...], ...]
    """Rows by true class (outer) and predicted class (inner)."""
    roc: dict[str, Curve] = {}
    """By positive class: false against true positive rate."""
    pr: dict[str, Curve] = {}
    """By positive class: recall against precision."""
    cost: Curve | None = None
    """For two classes: threshold against mean cost of a row."""
    scores: ScoreCounts | None = None
    calibration: tuple[CalibrationBin, ...] = ()
    slices: tuple[Slice, ...] = ()
    left_out: tuple[str, ...] = ()
    """Groups too small to be judged."""
    robustness: tuple[Perturbation, ...] = ()
    latency: tuple[Latency, ...] = ()
    backend: str = "skops"
    backend_reason: str | None = None
    challenge: Challenge | None = None
    explanation: Explanation | None = None
    ranking: RankingFindings | None = None
    """Of a ranking, which has no classes."""

    def save(self, path: Path) -> None:
        """Write as JSON."""
        write_text(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise BadInput(f"{path}: no such evaluation") from None
        except ValidationError as error:
            raise BadInput(f"{path}: not an evaluation: {error}") from None
