"""The first step: a version of the data, checked and divided."""

from pathlib import Path

from timonel.config import Config
from timonel.files import write_text
from timonel_components.data.splits import SUMMARY, Splits, SplitSummary
from timonel_components.data.versions import DataVersion, read_version
from timonel_components.ingest import ingest
from timonel_components.registry import champion
from timonel_components.split import split
from timonel_components.tracking.runs import Tracking
from timonel_components.validate import Validation, validate
from timonel_pipelines.journal import Outcome
from timonel_pipelines.steps.context import settings
from timonel_pipelines.steps.prepared import CONTRACT, SETTINGS, SPLITS, About, Prepared

REQUEST = "timonel.request"
"""Tag of a run: the key of the decision that asked for the training."""


def prepare_data(
    outcome: Outcome, text: str, base: str, commit: str, request: str, directory: str
) -> list[str]:
    """Take in the data, check it, divide it; returns the names of the candidates.

    MLflow is asked last: data that cannot be used is refused at once and leaves no run behind.
    """
    config, prepared = settings(text, base), Prepared(Path(directory))
    data = ingest(config)
    table = read_version(data)
    validation = validate(table, config)
    splits = split(table, config)
    tracking = Tracking(config)
    before = champion(config, tracking=tracking)
    if before is not None:
        validation = validate(table, config, before.contract)
    prepared.save_data(splits, validation.contract)
    tags = {"mlflow.source.git.commit": commit, REQUEST: request}
    run_id = _open_run(tracking, data, prepared, text, tags)
    prepared.save_about(About(data=data, run_id=run_id, commit=commit or None))
    _tell(outcome, data, validation, splits, run_id)
    return [candidate.value for candidate in config.candidates]


def _open_run(
    tracking: Tracking, data: DataVersion, prepared: Prepared, text: str, tags: dict[str, str]
) -> str:
    """Open the run of the training and record what goes into it; a run half recorded has failed."""
    config = tracking.config
    run = tracking.open_run(f"{config.model.name} data {data.version}")
    try:
        run.log_data(data)
        run.log_environment()
        run.set_tags({name: value for name, value in tags.items() if value})
        run.log_params(_params(config))
        write_text(prepared.directory / SETTINGS, text)
        for file in (SETTINGS, CONTRACT, f"{SPLITS}/{SUMMARY}"):
            run.log_artifact(prepared.directory / file)
    except BaseException:
        run.close("FAILED")
        raise
    return run.id


def _params(config: Config) -> dict[str, object]:
    return {
        "task": config.model.task.value,
        "candidates": ", ".join(c.value for c in config.candidates),
        "selection_metric": config.selection_metric,
        "trials": config.train.trials,
        "max_rows": config.train.max_rows,
        "seed": config.train.seed,
    }


def _tell(
    outcome: Outcome, data: DataVersion, validation: Validation, splits: Splits, run_id: str
) -> None:
    outcome.note = f"version {data.version}: {data.rows:,} rows; {_parts(splits.summary)}"
    outcome.facts = {
        "data_version": data.version,
        "rows": data.rows,
        "notes": list(validation.notes),
        "tracking_run": run_id,
    }


def _parts(summary: SplitSummary) -> str:
    parts = {"train": summary.train, "validation": summary.validation, "test": summary.test}
    return ", ".join(f"{part.rows:,} {name}" for name, part in parts.items())
