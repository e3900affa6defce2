"""Reaches MLflow: quietly, and on a SQLite database that exists before anything uses it."""

import logging
import os
import warnings
from pathlib import Path
from typing import Any

from filelock import FileLock

from timonel.errors import BadInput
from timonel.files import staged_file
from timonel.workspace import Workspace


def quieten() -> None:
    """Keep MLflow's notices from the user's terminal, and its own long retries from our short ones."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"mlflow\..*")


def connect(uri: str, workspace: Workspace) -> Any:
    """A client of MLflow at `uri`; a SQLite database is made by the first process, the others wait."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    quieten()  # MLflow sets up its loggers when it is imported
    try:
        if not uri.startswith("sqlite"):
            return MlflowClient(tracking_uri=uri, registry_uri=uri)
        workspace.home.mkdir(parents=True, exist_ok=True)
        with FileLock(workspace.home / "mlflow.lock"):
            database = Path(uri.removeprefix("sqlite:///"))
            if not database.exists():
                _make_database(database)
            return MlflowClient(tracking_uri=uri, registry_uri=uri)
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE":
            raise
        raise BadInput(
            f"storage.tracking_uri is {uri}: {error.message.splitlines()[0]}",
            fix="give an http(s):// address of an MLflow server, or leave it out for SQLite",
        ) from None


def _make_database(database: Path) -> None:
    """Make a database whole or not at all: MLflow can neither use nor mend one with half its tables."""
    from mlflow import MlflowClient

    with staged_file(database) as stage:
        uri = f"sqlite:///{stage}"
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        # the two stores make their tables when they are first asked
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)


def experiment_id(client: Any, name: str, artifacts: str | None) -> str:
    """The id of the experiment `name`; the first of several processes makes it."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=artifacts))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        found = client.get_experiment_by_name(name)
    if found.lifecycle_stage == "deleted":
        raise BadInput(
            f"MLflow's experiment {name} is deleted",
            fix=f"mlflow experiments restore --experiment-id {found.experiment_id}",
        )
    return str(found.experiment_id)
