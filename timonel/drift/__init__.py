"""Drift: has the data changed, has the concept changed, and how sure is that.

The names below load on first use; each comes from the module of its concept.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from timonel.drift.reference import SortedReference as SortedReference
    from timonel.drift.report import DriftReport as DriftReport
    from timonel.drift.report import FeatureDrift as FeatureDrift
    from timonel.drift.report import Verdict as Verdict
    from timonel.drift.scan.episodes import Episode as Episode
    from timonel.drift.scan.scan import Scan as Scan
    from timonel.drift.scan.score import data_drift_score as data_drift_score
    from timonel.drift.scan.windows import History as History
    from timonel.drift.scan.windows import Window as Window
    from timonel.drift.univariate import two_sample as two_sample

_PUBLIC = {
    "DriftReport": "timonel.drift.report",
    "Episode": "timonel.drift.scan.episodes",
    "FeatureDrift": "timonel.drift.report",
    "History": "timonel.drift.scan.windows",
    "Scan": "timonel.drift.scan.scan",
    "SortedReference": "timonel.drift.reference",
    "Verdict": "timonel.drift.report",
    "Window": "timonel.drift.scan.windows",
    "data_drift_score": "timonel.drift.scan.score",
    "two_sample": "timonel.drift.univariate",
}

__all__ = [
    "DriftReport",
    "Episode",
    "FeatureDrift",
    "History",
    "Scan",
    "SortedReference",
    "Verdict",
    "Window",
    "data_drift_score",
    "two_sample",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'timonel.drift' has no attribute '{name}'")
