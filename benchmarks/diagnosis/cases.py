"""Cases of the fault suite: each incident at each severity, and pairs of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

import numpy as np
import pyarrow as pa
from sources import Source

from timonel.diagnosis import Case, Cause
from timonel.faults import INCIDENTS, Scenario, Severity, labels_arrived
from timonel.faults.columns import micros
from timonel.faults.window import EPOCH

CLEAN = "none"
ORDER = [
    *(Cause.COVARIATE_SHIFT, Cause.PRIOR_SHIFT, Cause.CONCEPT_CHANGE, Cause.LABEL_ARTEFACT),
    *(Cause.DATA_QUALITY, Cause.SERVING_SKEW, Cause.DEPLOY, Cause.INFRASTRUCTURE),
]
"""Of two incidents: the world before the data, the data before what scores them."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One case and its truth."""

    source: str
    incidents: tuple[str, ...]
    severity: Severity
    mature: bool
    causes: tuple[Cause, ...]
    case: Case | None
    """None: it has been answered."""
    quiet: bool = False
    """Whether it is one of those in which nothing is to be done."""


def trial(
    source: Source, incidents: tuple[str, ...], severity: Severity, mature: bool, seed: int
) -> Trial:
    """Draw a log, inject, and cut it at the onset."""
    rng = np.random.default_rng(seed)
    log = source.log(rng)
    half = int(np.sort(micros(log, "event_time"))[log.num_rows // 2])
    onset = EPOCH + timedelta(microseconds=half)
    kinds = [INCIDENTS[name] for name in incidents]
    causes = tuple(kind.cause for kind in kinds)
    if kinds:
        struck = [
            kind(onset=onset, severity=severity, **source.arguments(kind.name)) for kind in kinds
        ]
        log = Scenario(tuple(struck)).apply(log, rng).table
    end = EPOCH + timedelta(microseconds=int(micros(log, "event_time").max()))
    if not mature:
        log = labels_arrived(log, end)
    late = pa.array(micros(log, "event_time") >= half)
    deployed = "bad_deploy" in incidents
    case = Case(
        reference=log.filter(np.logical_not(late)),
        current=log.filter(late),
        replay=None if deployed else source.model.score,
        previous=source.model.score if deployed else None,
        as_of=None if mature else end,
    )
    return Trial(source.name, incidents, severity, mature, causes, case)


def singles(source: Source, seed: int, mature: bool, only: str = "") -> Iterator[Trial]:
    """Every incident alone at every severity, with mature labels or as the log stood at its end."""
    for k, name in enumerate(INCIDENTS):
        for severity in Severity:
            if only in name:
                yield trial(source, (name,), severity, mature, seed + 7919 * k)


def pairs(source: Source, seed: int, count: int) -> Iterator[Trial]:
    """A seeded choice of two incidents of different causes, in turn of medium and of high severity."""
    every = [
        tuple(sorted(pair, key=lambda n: ORDER.index(INCIDENTS[n].cause)))
        for pair in combinations(INCIDENTS, 2)
        if INCIDENTS[pair[0]].cause is not INCIDENTS[pair[1]].cause
        and all(INCIDENTS[n].cause is not Cause.BENIGN for n in pair)
    ]
    chosen = np.random.default_rng(seed).permutation(len(every))[:count]
    for k, at in enumerate(chosen.tolist()):
        severity = (Severity.MEDIUM, Severity.HIGH)[k % 2]
        yield trial(source, every[at], severity, True, seed + 104_729 + k)
