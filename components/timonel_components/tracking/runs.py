"""Everything Timonel tells MLflow, and how it copes with an MLflow that is down.

A run is opened once, known by its id in every process that adds to it, and closed once. A run that
Kubeflow Pipelines opened (MLFLOW_RUN_ID) is used, and left for Kubeflow Pipelines to close.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from timonel.config import Config
from timonel.workspace import Workspace
from timonel_components.data.versions import DataVersion
from timonel_components.tracking.backend import connect, experiment_id, quieten
from timonel_components.tracking.environment import git_commit, library_versions
from timonel_components.tracking.retry import Retry

PARENT_TAG = "mlflow.parentRunId"
Status = Literal["FINISHED", "FAILED", "KILLED"]


class Tracking:
    """MLflow for one model: its experiment, its runs."""

    def __init__(
        self,
        config: Config,
        *,
        retry: Retry | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.config, self.environment = config, environment
        self.workspace = Workspace.of(config)
        self.uri = (
            config.storage.tracking_uri
            or environment.get("MLFLOW_TRACKING_URI")
            or f"sqlite:///{self.workspace.database}"
        )
        self.retry = retry or Retry(self.uri)
        quieten()

    @cached_property
    def client(self) -> Any:
        """The `MlflowClient`; a SQLite database is made first, by one process at a time."""
        return self.retry(connect, self.uri, self.workspace)

    @cached_property
    def experiment(self) -> str:
        """The id of the model's experiment, made where it is missing."""
        return str(
            self.retry(experiment_id, self.client, self.config.model.name, self._artifacts())
        )

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of the client, again and again while the server is down, then `Unavailable`."""
        return self.retry(getattr(self.client, method), *arguments, **named)

    def open_run(self, name: str, *, parent: str | None = None) -> "Run":
        """Open a run, under `parent` if there is one; MLFLOW_RUN_ID stands for the outermost run."""
        given = self.environment.get("MLFLOW_RUN_ID")
        if given and parent is None:
            return Run(self, given, ours=False)
        tags = {PARENT_TAG: parent} if parent else {}
        made = self.call("create_run", self.experiment, tags=tags, run_name=name)
        return Run(self, made.info.run_id)

    def run(self, run_id: str) -> "Run":
        """A run that was opened before, here or in another process."""
        return Run(self, run_id, ours=run_id != self.environment.get("MLFLOW_RUN_ID"))

    @contextmanager
    def running(self, name: str, *, parent: str | None = None) -> Iterator["Run"]:
        """Open a run and close it with the block: finished, failed, or killed by Ctrl-C."""
        run = self.open_run(name, parent=parent)
        with run.closing():
            yield run

    def _artifacts(self) -> str | None:
        """Where artifacts go; None leaves it to a server."""
        if not self.uri.startswith("sqlite"):
            return None
        self.workspace.artifacts.mkdir(parents=True, exist_ok=True)
        return (self.workspace.artifacts / self.config.model.name).as_uri()


class Run:
    """One run; all that is logged reaches MLflow at once."""

    def __init__(self, tracking: Tracking, run_id: str, *, ours: bool = True) -> None:
        self.tracking, self.id, self._ours = tracking, run_id, ours

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log settings; the same ones again change nothing."""
        from mlflow.entities import Param

        values = [Param(key, str(value)) for key, value in params.items()]
        self.tracking.call("log_batch", self.id, params=values)

    def log_metrics(self, metrics: Mapping[str, float], *, step: int = 0) -> None:
        """Log figures."""
        import time

        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        values = [Metric(key, float(value), now, step) for key, value in metrics.items()]
        self.tracking.call("log_batch", self.id, metrics=values)

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags."""
        from mlflow.entities import RunTag

        values = [RunTag(key, str(value)) for key, value in tags.items()]
        self.tracking.call("log_batch", self.id, tags=values)

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a file with the run."""
        self.tracking.call("log_artifact", self.id, str(path), folder)

    def log_artifacts(self, directory: Path, folder: str | None = None) -> None:
        """Keep a directory with the run."""
        self.tracking.call("log_artifacts", self.id, str(directory), folder)

    def log_data(self, data: DataVersion, *, context: str = "training") -> None:
        """Record which version of the data the run used, as an input and as tags."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        entry = Dataset(
            name=self.tracking.config.model.name,
            digest=(data.digest or str(data.version))[:36],
            source_type="delta_table",
            source=f'{{"path": "{data.uri}", "delta_table_version": {data.version}}}',
            profile=f'{{"num_rows": {data.rows}}}',
        )
        inputs = [DatasetInput(entry, [InputTag("mlflow.data.context", context)])]
        self.tracking.call("log_inputs", self.id, inputs)
        self.set_tags({"timonel.data.uri": data.uri, "timonel.data.version": data.version})

    def log_environment(self) -> None:
        """Record library versions and the commit of the folder that holds timonel.yaml."""
        tags = {f"timonel.library.{k}": v for k, v in library_versions().items()}
        commit = git_commit(self.tracking.config.base)
        self.set_tags(tags | ({"mlflow.source.git.commit": commit} if commit else {}))

    def close(self, status: Status = "FINISHED") -> None:
        """Close the run; one that Kubeflow Pipelines opened is left open."""
        if self._ours:
            self.tracking.call("set_terminated", self.id, status)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Close the run with the block, in the status in which the block ends."""
        try:
            yield
        except Exception:
            self.close("FAILED")
            raise
        except BaseException:
            self.close("KILLED")
            raise
        self.close()
