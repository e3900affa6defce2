"""All gates of a challenger against the champion."""

from timonel.config.sections import Challenge
from timonel.contract import FeatureBatch
from timonel.errors import BadInput
from timonel.package import Package
from timonel_components.conversion.onnx_export import export_onnx
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.challenge import Rival
from timonel_components.evaluation.contest.duel import Duel
from timonel_components.evaluation.contest.groups import by_group
from timonel_components.evaluation.contest.primary import primary
from timonel_components.evaluation.contest.upkeep import calibration, latency, robustness
from timonel_components.evaluation.contest.words import unknown
from timonel_components.evaluation.gates import GateResult
from timonel_components.evaluation.sample import Fitted, Sample


def contest(
    champion: Package,
    model: Fitted,
    sample: Sample,
    settings: Challenge,
    bootstrap: Bootstrap,
) -> tuple[GateResult, ...]:
    """Judge both on the same rows; a champion that cannot score them leaves nothing to judge by."""
    try:
        rival = Rival.of(champion, model)
        rival.read(sample.table)
    except BadInput as reason:
        why = f"the champion cannot score these rows: {reason.message}"
        return (unknown("superiority", settings.metric or "the model", "comparable", why),)
    duel = Duel(model, _graph(model, sample.batch), rival, sample, settings, bootstrap)
    return (
        primary(duel),
        *by_group(duel, model.config.evaluation.slices),
        calibration(duel),
        latency(duel),
        *robustness(duel),
    )


def _graph(model: Fitted, batch: FeatureBatch) -> bytes | None:
    return export_onnx(model.pipeline, model.contract, batch).graph
