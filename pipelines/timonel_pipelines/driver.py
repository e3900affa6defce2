"""The process that runs the pipeline with kfp.local: `python -m timonel_pipelines.driver DIRECTORY`.

A process of its own, leading a group of its own, because stopping it must stop the steps too; because
its output, KFP's and the steps', is a log; and because KFP changes logging and printing globally.
"""

import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from timonel_pipelines.platform import Platform
from timonel_pipelines.processes import GRACE_SECONDS

ORDERS = "orders.json"
WORK = "work"
"""Where the run's artifacts and temporary files are."""


@dataclass(frozen=True)
class Orders:
    """What to run."""

    platform: Platform
    config: str
    """The text of timonel.yaml."""
    base: str
    commit: str
    request: str

    def save(self, directory: Path) -> None:
        """Write them to the run's directory."""
        (directory / ORDERS).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "Orders":
        """Read them from the run's directory."""
        raw = json.loads((directory / ORDERS).read_text(encoding="utf-8"))
        return cls(**raw | {"platform": Platform(**raw["platform"])})


def main(directory: Path) -> None:
    """Run the pipeline to its end; a step that fails ends it with an exception."""
    signal.signal(signal.SIGINT, _let_steps_end)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run(directory, Orders.load(directory))


def run(directory: Path, orders: Orders) -> None:
    """Run the pipeline with kfp.local."""
    from kfp import local

    from timonel_pipelines.graph import training_pipeline

    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=os.fspath(directory / WORK / "artifacts"),
    )
    training_pipeline(orders.platform)(
        config=orders.config, base=orders.base, commit=orders.commit, request=orders.request
    )


def _let_steps_end(_signal: int, _frame: FrameType | None) -> None:
    """The steps get the same signal and end; the pipeline then ends by itself."""


def _end_with_parent() -> None:
    """End the whole group when the process that started it is gone: its end of stdin closes then."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.killpg(0, signal.SIGINT)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
