"""Everything a judge remembers, as data: it can be put away sealed, and be taken up by another process."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from timonel.canary.bernoulli import Floats
from timonel.canary.counted import Counted
from timonel.canary.losses import MomentSums
from timonel.canary.mismatch import FACTORS
from timonel.canary.paired import PairedSums
from timonel.canary.plan import CanaryPlan
from timonel.canary.verdict import Outcome, Verdict
from timonel.errors import BadInput, Corrupt
from timonel.windows.envelope import bundle, seal, unbundle, unseal

KIND, FORMAT = "canary judge", 1
BEGIN = Outcome(Verdict.CONTINUE, False, ("no block has been judged yet",))


@dataclass(frozen=True)
class JudgeState:
    """What is known after some blocks."""

    counted: Counted
    mismatch: Floats
    guard: Floats
    """n_s, y_s, n_c, y_c of the streams since the crude limit was last looked at."""
    paired: Mapping[str, PairedSums] = field(default_factory=dict)
    losses: Mapping[str, MomentSums] = field(default_factory=dict)
    stable_values: Mapping[str, MomentSums] = field(default_factory=dict)
    canary_values: Mapping[str, MomentSums] = field(default_factory=dict)
    blocks: int = 0
    step: int = 0
    step_blocks: int = 0
    canary_requests: int = 0
    restarts: int = 0
    lacking_for: int = 0
    begun: datetime | None = None
    end: datetime | None = None
    outcome: Outcome = BEGIN

    @classmethod
    def start(cls, plan: CanaryPlan) -> "JudgeState":
        """Before the first block."""
        streams = plan.streams
        return cls(Counted.start(streams), np.zeros(2 * len(FACTORS)), np.zeros((len(streams), 4)))


def sealed(plan: CanaryPlan, state: JudgeState) -> bytes:
    """The state as bytes that are refused if a bit of them changes, or under another plan."""
    arrays = state.counted.arrays() | {"mismatch": state.mismatch, "guard": state.guard}
    header = {name: value for name, value in _scalars(state).items() if name not in arrays}
    header |= {"plan": _digest(plan), "shapes": {name: a.shape for name, a in arrays.items()}}
    table = pa.table(
        {"name": list(arrays), "values": [a.ravel().tolist() for a in arrays.values()]}
    )
    return bundle(KIND, FORMAT, header, {"arrays": seal(KIND, FORMAT, {}, table)})


def opened(plan: CanaryPlan, data: bytes) -> JudgeState:
    """The inverse of `sealed`. Raises Corrupt for other bytes, BadInput for another plan."""
    header, parts = unbundle(KIND, FORMAT, data)
    if header["plan"] != _digest(plan):
        raise BadInput(
            "this judge was started under another plan",
            why="margins and error probabilities must not change while evidence is gathered",
            fix="judge with the settings it was started with, or start anew",
        )
    ((_, table),) = unseal(KIND, FORMAT, parts["arrays"])
    try:
        return _rebuilt(
            header, dict(zip(*(table[c].to_pylist() for c in table.column_names), strict=True))
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"the saved {KIND} does not fit together: {error!r}") from error


def _scalars(state: JudgeState) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(_without_arrays(state), default=_iso))
    return plain


def _without_arrays(state: JudgeState) -> dict[str, Any]:
    kept = {k: v for k, v in vars(state).items() if k not in ("counted", "mismatch", "guard")}
    sums = ("paired", "losses", "stable_values", "canary_values")
    return (
        kept
        | {k: {n: asdict(v) for n, v in kept[k].items()} for k in sums}
        | {"outcome": asdict(state.outcome)}
    )


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} is no JSON value")


def _rebuilt(header: Mapping[str, Any], flat: Mapping[str, list[float]]) -> JudgeState:
    arrays = {
        name: np.array(flat[name], dtype=np.float64).reshape(shape)
        for name, shape in header["shapes"].items()
    }
    rest: dict[str, Any] = {
        k: v for k, v in header.items() if k not in ("plan", "shapes", "outcome")
    }
    kinds = {"losses": MomentSums, "stable_values": MomentSums, "canary_values": MomentSums}
    for name, kind in ({"paired": PairedSums} | kinds).items():
        rest[name] = {k: kind(**v) for k, v in rest[name].items()}
    for name in ("begun", "end"):
        rest[name] = None if rest[name] is None else datetime.fromisoformat(rest[name])
    said = header["outcome"]
    outcome = Outcome(Verdict(said["verdict"]), said["final"], tuple(said["reasons"]))
    own = {name: arrays.pop(name) for name in ("mismatch", "guard")}
    return JudgeState(Counted(**arrays), own["mismatch"], own["guard"], **rest, outcome=outcome)


def _digest(plan: CanaryPlan) -> str:
    return hashlib.sha256(json.dumps(asdict(plan), default=str).encode()).hexdigest()
