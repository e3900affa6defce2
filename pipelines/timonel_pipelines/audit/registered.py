"""The links that lie in MLflow, in the registry and in the data's versions."""

from typing import Any

from timonel.errors import TimonelError
from timonel_components.data.versions import DataVersion, read_version, table_digest
from timonel_components.register import DIGEST_TAG
from timonel_components.registry import resolve
from timonel_pipelines.audit.link import Found, Link
from timonel_pipelines.audit.records import Story
from timonel_pipelines.retraining.looking import Site

URI, VERSION = "timonel.data.uri", "timonel.data.version"
NO_TRAINING = "the version was made from another one, without a training"


def run_of(site: Site, run_id: str) -> Any | None:
    """The run as MLflow has it; None if it has none of this id."""
    from mlflow.exceptions import MlflowException

    try:
        return site.tracking.call("get_run", run_id)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        return None


def data_of(run: Any) -> DataVersion | None:
    """The version of the data that a run says it used."""
    tags = run.data.tags
    if URI not in tags or VERSION not in tags:
        return None
    return DataVersion(uri=tags[URI], version=int(tags[VERSION]), rows=0)


def run_link(site: Site, story: Story) -> Link:
    """The run of the training, and that it used the data which the record names."""
    run_id = story.fact("run")
    if run_id is None:
        trained = story.answer == "retrain"
        found = Found.MISSING if trained else Found.NOT_NEEDED
        return Link("run", found, "the record names no run" if trained else NO_TRAINING)
    run = run_of(site, run_id)
    if run is None:
        return Link("run", Found.DIFFERS, f"MLflow has no run {run_id}", {"run": run_id})
    used, wanted = run.data.tags.get(VERSION), story.fact("data_version")
    ids = {"run": run_id, "commit": run.data.tags.get("mlflow.source.git.commit")}
    if wanted is not None and used != str(wanted):
        said = f"the run used data version {used}, the record says {wanted}"
        return Link("run", Found.DIFFERS, said, dict(ids))
    return Link("run", Found.HOLDS, f"{run_id}, {run.info.status.lower()}", dict(ids))


def data_link(site: Site, story: Story) -> Link:
    """The data, read again: their rows still have the digest that the run kept."""
    run_id = story.fact("run")
    run = run_of(site, run_id) if run_id else None
    data = data_of(run) if run is not None else None
    if run is None or data is None:
        found = Found.NOT_NEEDED if run_id is None else Found.MISSING
        return Link("data", found, "no version of the data is named")
    kept = run.inputs.dataset_inputs[0].dataset.digest if run.inputs.dataset_inputs else None
    ids = {"uri": data.uri, "version": data.version, "digest": kept}
    try:
        table = read_version(data)
    except TimonelError as error:
        return Link("data", Found.DIFFERS, error.message, dict(ids))
    if kept is not None and not table_digest(table).startswith(kept):
        return Link("data", Found.DIFFERS, "its rows are not those of the run", dict(ids))
    return Link("data", Found.HOLDS, f"version {data.version}, {table.num_rows:,} rows", dict(ids))


def version_link(site: Site, story: Story) -> Link:
    """The registered version: its tag, its package with all files, and the run that it came from."""
    version = story.fact("version")
    if version is None:
        return Link("version", Found.MISSING, "no version was registered")
    try:
        _, package = resolve(site.config, str(version), tracking=site.tracking)
    except TimonelError as error:
        return Link("version", Found.DIFFERS, error.message, {"version": str(version)})
    ids = {"version": str(version), "digest": package.digest}
    wanted, run = story.fact("package_digest"), story.fact("run")
    if wanted is not None and package.digest != wanted:
        said = f"the tag {DIGEST_TAG} names another package than the record"
        return Link("version", Found.DIFFERS, said, {**ids, "recorded": wanted})
    if run is not None and package.manifest.origin.run_id != run:
        said = f"the package came from run {package.manifest.origin.run_id}"
        return Link("version", Found.DIFFERS, said, dict(ids))
    said = f"version {version}, package {package.digest[:12]}, all files verified"
    return Link("version", Found.HOLDS, said, dict(ids))
