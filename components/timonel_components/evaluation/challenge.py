"""The model against the champion: both score the same rows, and are compared row by row."""

from timonel.contract import FeatureReader
from timonel.errors import BadInput
from timonel.package import Package
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.result import Challenge, Estimate
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.learning.skops_io import load_model
from timonel_components.metrics.figures import Metric
from timonel_components.metrics.scored import Scored


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
        theirs = _score(champion, model, sample)
    except BadInput as reason:
        return _incomparable(champion, reason.message, len(sample), metrics)
    return Challenge(
        version=champion.digest[:12],
        rows=len(sample),
        champion=bootstrap.estimates(theirs, metrics),
        difference=bootstrap.differences(rows, theirs, metrics),
    )


def _score(champion: Package, model: Fitted, sample: Sample) -> Scored:
    contract = champion.contract
    ours, theirs = model.contract.classes, contract.classes
    if set(ours) != set(theirs):
        raise BadInput(f"the champion tells {list(theirs)} apart, this model {list(ours)}")
    batch = FeatureReader(contract).from_table(sample.table)
    pipeline = load_model(champion.path / "model.skops")
    old = Fitted(pipeline, contract, champion.manifest.threshold, model.config)
    p = old.probabilities(batch)[:, [theirs.index(label) for label in ours]]
    return old.judge(p, sample.y)


def _incomparable(champion: Package, why: str, rows: int, metrics: tuple[Metric, ...]) -> Challenge:
    unknown = Estimate(value=None, reason=f"the champion cannot score these rows: {why}")
    nothing = {m.name: unknown for m in metrics}
    return Challenge(
        version=champion.digest[:12], rows=rows, champion=nothing, difference=nothing, note=why
    )
