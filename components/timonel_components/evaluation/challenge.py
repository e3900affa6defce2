"""The model against the champion: both score the same rows, and are compared row by row."""

from dataclasses import dataclass

import pyarrow as pa

from timonel.contract import FeatureBatch, FeatureReader
from timonel.errors import BadInput
from timonel.package import Package
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.result import Challenge, Estimate
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.learning.skops_io import load_model
from timonel_components.metrics.figures import Metric
from timonel_components.metrics.scored import Labels, Scored


def challenge(
    champion: Package,
    model: Fitted,
    sample: Sample,
    rows: Scored,
    bootstrap: Bootstrap,
    metrics: tuple[Metric, ...],
) -> Challenge:
    """Score the champion on the same rows; a champion that cannot score them is no comparison."""
    try:
        rival = Rival.of(champion, model)
        theirs = rival.scored(rival.read(sample.table), sample.y)
    except BadInput as reason:
        return _incomparable(champion, reason.message, len(sample), metrics)
    return Challenge(
        version=champion.digest[:12],
        rows=len(sample),
        champion=bootstrap.estimates(theirs, metrics),
        difference=bootstrap.differences(rows, theirs, metrics),
    )


@dataclass(frozen=True)
class Rival:
    """The champion as a function of rows, its probabilities in the order of the new model's classes."""

    package: Package
    fitted: Fitted
    order: list[int]

    @classmethod
    def of(cls, champion: Package, model: Fitted) -> "Rival":
        """Load it; a champion of other classes is a `BadInput`."""
        contract = champion.contract
        ours, theirs = model.contract.classes, contract.classes
        if set(ours) != set(theirs):
            raise BadInput(f"the champion tells {list(theirs)} apart, this model {list(ours)}")
        pipeline = load_model(champion.path / "model.skops")
        old = Fitted(pipeline, contract, champion.manifest.threshold, model.config)
        return cls(champion, old, [theirs.index(label) for label in ours])

    def read(self, table: pa.Table) -> FeatureBatch:
        """The rows as it takes them."""
        return FeatureReader(self.fitted.contract).from_table(table)

    def scored(self, batch: FeatureBatch, y: Labels) -> Scored:
        """The rows with its probabilities and its decision rule."""
        return self.fitted.judge(self.fitted.probabilities(batch)[:, self.order], y)


def _incomparable(champion: Package, why: str, rows: int, metrics: tuple[Metric, ...]) -> Challenge:
    unknown = Estimate(value=None, reason=f"the champion cannot score these rows: {why}")
    nothing = {m.name: unknown for m in metrics}
    return Challenge(
        version=champion.digest[:12], rows=rows, champion=nothing, difference=nothing, note=why
    )
