"""Alibi Detect's worker on a stand-in for Alibi Detect that fails on command.

A window whose first value is one of these does the harm; on any other one it compares means.
"""

import os
import signal
import sys
import time
import types
from typing import Any

import numpy as np

CRASH, HANG, EAT, RAISE = 1e6, 2e6, 3e6, 4e6
COMMAND = (sys.executable, __file__)


class StandIn:
    """A detector of drift of the mean."""

    update_x_ref = None

    def __init__(self, x_ref: Any, **_: Any) -> None:
        self.mean, self.spread = x_ref.mean(0), x_ref.std(0)

    def predict(self, x: Any) -> dict[str, Any]:
        """A verdict, or harm."""
        if x[0, 0] == CRASH:
            os.kill(os.getpid(), signal.SIGKILL)
        if x[0, 0] == HANG:
            time.sleep(3600)
        if x[0, 0] == EAT:
            np.ones(2**29)  # 4 GB, written to
        if x[0, 0] == RAISE:
            raise ValueError("not today")
        sys.stdout.write("what libraries print is no answer\n")
        z = np.abs(x.mean(0) - self.mean) / (self.spread / np.sqrt(len(x)))
        p = np.exp(-(z**2) / 2)
        return {"data": {"is_drift": int(p.min() < 0.01), "p_val": p, "distance": z}, "meta": {}}


if __name__ == "__main__":
    if os.environ.get("ALIBI_IS_BROKEN"):
        raise ImportError("no module named alibi_detect")
    parent, child = types.ModuleType("alibi_detect"), types.ModuleType("alibi_detect.cd")
    child.TabularDrift = StandIn  # type: ignore[attr-defined]
    parent.cd = child  # type: ignore[attr-defined]
    sys.modules.update({"alibi_detect": parent, "alibi_detect.cd": child})
    from timonel_serving.detector.alibi.worker import main

    main()
