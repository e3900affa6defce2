"""What is abnormal now: readings judged against their baselines, one anomaly an episode.

`Watch` takes the readings of each window and tells what opened, got worse and cleared; `FactWatch` does
the same with facts that need no statistics; `from_drift` puts an episode of drift in the same words.
"""

from timonel.anomalies.anomaly import (
    ANYWHERE,
    Anomaly,
    Evidence,
    Phase,
    Severity,
    Where,
    ranked,
)
from timonel.anomalies.config import WatchConfig
from timonel.anomalies.drift import from_drift
from timonel.anomalies.facts import Fact, FactWatch, Found
from timonel.anomalies.reading import TRAFFIC, Reading
from timonel.anomalies.traits import TRAITS, UNJUDGED, Gate, Kind, Trait, Worse, is_judged
from timonel.anomalies.watch import Band, Watch

__all__ = [
    "ANYWHERE",
    "TRAFFIC",
    "TRAITS",
    "UNJUDGED",
    "Anomaly",
    "Band",
    "Evidence",
    "Fact",
    "FactWatch",
    "Found",
    "Gate",
    "Kind",
    "Phase",
    "Reading",
    "Severity",
    "Trait",
    "Watch",
    "WatchConfig",
    "Where",
    "Worse",
    "from_drift",
    "is_judged",
    "ranked",
]
