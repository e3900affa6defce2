"""Waits between two steps of a rollout, with an eye on what people do meanwhile."""

import time
from datetime import datetime

from timonel.canary import Verdict
from timonel_pipelines.rollout.driving.drive import Drive, now
from timonel_pipelines.rollout.driving.routing import untouched

GLANCE = 0.5
"""Seconds between two looks for an abort or an approval."""


def waited(drive: Drive, until: datetime) -> bool:
    """Wait; False if the rollout came to another phase meanwhile: by an abort, or by somebody's hand."""
    while True:
        aborted = drive.store.noted("abort")
        if aborted is not None:
            drive.give_up(Verdict.ROLLBACK, f"aborted by {aborted['by']}")
            return False
        if not untouched(drive):
            return False
        left = (until - now()).total_seconds()
        if left <= 0:
            drive.parts.chain.hold()
            return True
        time.sleep(min(left, GLANCE))
