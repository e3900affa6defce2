"""Ends the tracking runs of a training whose steps can no longer do it themselves."""

from contextlib import suppress

from timonel.config import Config
from timonel_components.tracking.retry import Retry
from timonel_components.tracking.runs import PARENT_TAG, Status, Tracking


def close_runs(config: Config, run_id: str, status: Status) -> None:
    """Give the run and the runs under it that are still open a final status.

    Whatever ended the training is what the user is to hear: that MLflow is down too is not.
    """
    with suppress(Exception):
        tracking = Tracking(config, retry=Retry("the tracking server", attempts=1))
        children = tracking.call(
            "search_runs", [tracking.experiment], f"tags.`{PARENT_TAG}` = '{run_id}'"
        )
        for run in (*children, tracking.call("get_run", run_id)):
            if run.info.status == "RUNNING":
                tracking.run(run.info.run_id).close(status)
