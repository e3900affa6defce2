"""Where a training that was decided runs: on this machine, or on a Kubeflow Pipelines server."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from timonel.errors import TimonelError
from timonel_components.evaluation.gates import GateReport
from timonel_components.register import DIGEST_TAG
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.remote import Server, TaskState
from timonel_pipelines.result import Trained, TrainingResult
from timonel_pipelines.running import Source, Watcher, run_here
from timonel_pipelines.steps.examined import GATES
from timonel_pipelines.steps.prepare import REQUEST
from timonel_pipelines.wanted import described

Trainer = Callable[[Source], Trained]
"""Runs the pipeline to its end; raises the error of the step that failed."""


@dataclass(frozen=True)
class Here:
    """Trains on this machine."""

    watcher: Watcher

    def __call__(self, source: Source) -> TrainingResult:
        """Run the pipeline with kfp.local."""
        return TrainingResult.of(run_here(source, self.watcher))


@dataclass(frozen=True)
class There:
    """Trains on a server, and reads in MLflow what came of it: the run bears the decision's key."""

    server: Server
    image: str | None
    volume: str | None
    tell: Callable[[TaskState], None]
    poll_seconds: float

    def __call__(self, source: Source) -> Trained:
        """Submit the pipeline and follow it."""
        wanted = described(source, self.image, self.volume)
        run = self.server.follow(self.server.submit(wanted), self.tell, self.poll_seconds)
        run.raise_failure()
        return _asked_for(Tracking(source.config), source.request, run.url)


def _asked_for(tracking: Tracking, request: str, page: str) -> Trained:
    """The newest run of a decision."""
    wanted = f"tags.`{REQUEST}` = '{request}'"
    newest = ["attributes.start_time DESC"]
    found = tracking.call(
        "search_runs", [tracking.experiment], wanted, max_results=1, order_by=newest
    )
    if not found:
        raise TimonelError(
            f"{page} ended well, and {tracking.uri} has no run of the decision {request}",
            fix="let storage.tracking_uri name the MLflow server that the pipeline's pods use",
        )
    [run] = found
    version = _version_of(tracking, run.info.run_id)
    return Trained(
        version=version and int(version.version),
        package_digest=version and version.tags[DIGEST_TAG],
        data_version=run.data.tags["timonel.data.version"],
        gates=_gates(tracking, run).results,
        tracking_run=run.info.run_id,
    )


def _version_of(tracking: Tracking, run_id: str) -> Any | None:
    of_run = f"name = '{tracking.config.model.name}' and run_id = '{run_id}'"
    return next(iter(tracking.call("search_model_versions", of_run)), None)


def _gates(tracking: Tracking, run: Any) -> GateReport:
    from mlflow.artifacts import download_artifacts

    kept = f"{run.info.artifact_uri}/{GATES}"
    path = tracking.retry(download_artifacts, artifact_uri=kept, tracking_uri=tracking.uri)
    return GateReport.model_validate_json(Path(path).read_text(encoding="utf-8"))
