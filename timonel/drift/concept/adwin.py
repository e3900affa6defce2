"""River's ADWIN behind the protocol of the other detectors."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from timonel.drift.concept.detector import CountedDetector
from timonel.errors import BadInput, Unavailable


class ADWIN(CountedDetector):
    """Detects a change of the mean loss in either direction (needs the extra `river`).

    It keeps a window of recent losses and drops its older part when the means of two parts differ by
    more than chance allows. It has no promise on the run length and finds a rise later than ESR, but it
    sees a fall too, and needs no baseline.

    Args:
        delta: smaller is surer and slower.
        clock: test every this many losses.

    References:
        A. Bifet, R. Gavalda: Learning from time-changing data with adaptive windowing. SIAM SDM 2007,
        pages 443-448.
    """

    def __init__(self, delta: float = 0.002, clock: int = 32) -> None:
        super().__init__()
        if not 0 < delta < 1:
            raise BadInput(f"delta is {delta:g}, expected a number between 0 and 1, both excluded")
        if clock < 1:
            raise BadInput(f"clock is {clock}, expected at least 1")
        self.delta, self.clock = float(delta), int(clock)
        self._restart()

    def _restart(self) -> None:
        self._river = _river_adwin()(delta=self.delta, clock=self.clock)

    def _step(self, loss: float) -> bool:
        self._river.update(loss)
        return bool(self._river.drift_detected)

    def _settings(self) -> dict[str, object]:
        return {"delta": self.delta, "clock": self.clock}

    def _save(self) -> dict[str, object]:
        return {
            "alarm": bool(self._river.drift_detected),
            "window": _take_apart(self._river._helper),
        }

    def _load(self, state: Mapping[str, object]) -> None:
        restored = _river_adwin()(delta=self.delta, clock=self.clock)
        restored._helper = _put_together(state.get("window"), restored._helper)
        restored._drift_detected = bool(state.get("alarm"))
        self._river = restored


def _river_adwin() -> Any:
    try:
        from river.drift import ADWIN as RIVER_ADWIN
    except ImportError as error:
        raise Unavailable(
            f"ADWIN needs river, which cannot be imported: {error}",
            fix="pip install 'timonel[river]', or use ESR, which needs nothing else",
        ) from error
    return RIVER_ADWIN


# River's compiled classes keep their state to themselves; the copy protocol gives it as plain numbers, with a
# checksum of the class's layout that tells a state of another version of river.
def _take_apart(window: Any) -> dict[str, object]:
    _, (_, layout, _), state = window.__reduce__()
    *numbers, members = state
    return {
        "layout": layout,
        "numbers": numbers,
        "buckets": [_take_bucket_apart(b) for b in members["bucket_deque"]],
    }


def _take_bucket_apart(bucket: Any) -> dict[str, object]:
    _, (_, layout, _), (index, capacity, totals, variances) = bucket.__reduce__()
    return {
        "layout": layout,
        "index": index,
        "capacity": capacity,
        "totals": totals.tolist(),
        "variances": variances.tolist(),
    }


def _put_together(state: object, window: Any) -> Any:
    fresh = _take_apart(window)
    if not isinstance(state, Mapping) or state.get("layout") != fresh["layout"]:
        raise BadInput(
            "the saved state of ADWIN does not fit the installed version of river",
            fix="install the version that saved it, or start anew with reset()",
        )
    rebuild, (kind, layout, _), _ = window.__reduce__()
    example = window.__getstate__()["bucket_deque"][0]
    buckets = deque(_put_bucket_together(b, example) for b in state["buckets"])
    return rebuild(kind, layout, (*state["numbers"], {"bucket_deque": buckets}))


def _put_bucket_together(state: Mapping[str, Any], example: Any) -> Any:
    import numpy as np

    rebuild, (kind, layout, _), _ = example.__reduce__()
    if state["layout"] != layout:
        raise BadInput("a bucket of the saved state of ADWIN does not fit the installed river")
    return rebuild(
        kind,
        layout,
        (
            state["index"],
            state["capacity"],
            np.array(state["totals"], dtype=np.float64),
            np.array(state["variances"], dtype=np.float64),
        ),
    )
