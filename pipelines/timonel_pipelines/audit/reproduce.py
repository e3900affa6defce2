"""A training set up again: the rows of its data version, and the settings that its run kept."""

import shlex
from pathlib import Path
from typing import Any

import yaml
from pyarrow import parquet

from timonel.errors import BadInput
from timonel.files import write_text
from timonel_components.data.versions import read_version
from timonel_pipelines.audit.records import Story
from timonel_pipelines.audit.registered import data_of, run_of
from timonel_pipelines.retraining.looking import Site
from timonel_pipelines.steps.prepared import SETTINGS

ROWS = "data.parquet"


def command(story: Story, config: Path) -> str | None:
    """What to type; None for a decision without a training."""
    if story.answer != "retrain" or not story.fact("run"):
        return None
    name, of = f"reproduced-{story.decided.record.seq}", shlex.quote(str(config))
    audit = f"timonel audit -c {of} --decision {story.decided.record.seq} --reproduce {name}"
    return f"{audit} && timonel train -c {name}/timonel.yaml"


def set_up(site: Site, story: Story, folder: Path) -> Path:
    """Write rows and settings to a new folder, with a registry of its own; the settings' path."""
    run_id = story.fact("run")
    run = run_of(site, run_id) if run_id else None
    data = data_of(run) if run is not None else None
    if run is None or data is None:
        raise BadInput(f"decision {story.decided.record.seq} has no training that is known")
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty", fix="give another folder")
    document = _settings(site, run)
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(read_version(data), folder / ROWS)
    document["data"]["source"] = ROWS
    document["storage"] = {}
    path = folder / "timonel.yaml"
    write_text(path, yaml.safe_dump(document, sort_keys=False))
    return path


def _settings(site: Site, run: Any) -> dict[str, Any]:
    """Those of the run; its gates against the champion rest, for a new registry has none."""
    from mlflow.artifacts import download_artifacts

    at = f"{run.info.artifact_uri}/{SETTINGS}"
    text = Path(site.tracking.retry(download_artifacts, artifact_uri=at)).read_text("utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document
