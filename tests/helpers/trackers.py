"""What each of several processes does that track at the same moment. MLflow is imported beforehand."""

from multiprocessing.synchronize import Barrier
from pathlib import Path

import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 - loaded once for all processes

from slices import settings_of
from timonel_components.tracking.runs import Tracking


def track(folder: Path, number: int, together: Barrier) -> None:
    """Open a run when all others are ready to, log a figure, and note the experiment."""
    tracking = Tracking(settings_of("accidents", folder), environment={})
    together.wait(60)
    with tracking.running(f"process {number}") as run:
        run.log_metrics({"number": float(number)})
    (folder / f"experiment-{number}").write_text(tracking.experiment)
