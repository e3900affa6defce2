"""The second step, once a candidate: a trained model."""

from pathlib import Path

from timonel.config import Candidate
from timonel_components.tracking.runs import Run
from timonel_components.train import INFO, Trained, TrainedInfo, train
from timonel_pipelines.journal import Outcome
from timonel_pipelines.steps.context import context


def train_candidate(
    outcome: Outcome, text: str, base: str, candidate: str, prepared: str, model: str
) -> TrainedInfo:
    """Train a candidate on the prepared data, write it to `model`, record it in a run of its own."""
    with (
        context(text, base, prepared) as at,
        at.tracking.running(candidate, parent=at.run.id) as run,
    ):
        trained = train(at.given.splits, at.given.contract, at.config, Candidate(candidate))
        trained.save(Path(model))
        _record(trained, Path(model), run)
    info = trained.info
    outcome.note = f"{info.metric} {info.score:.4f} on the validation rows, {info.trials} trials"
    outcome.facts = info.model_dump(mode="json")
    return info


def _record(trained: Trained, model: Path, run: Run) -> None:
    info = trained.info
    run.log_params({"candidate": info.candidate.value, **info.params})
    run.log_metrics({f"validation_{info.metric}": info.score, "train_seconds": info.seconds})
    run.log_artifact(model / INFO)
