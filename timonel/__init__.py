"""Timonel keeps a model in production on course.

The names below are the public surface; they load on first use, so that `import timonel` is cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from timonel.anomalies import Anomaly as Anomaly
    from timonel.config import Config as Config
    from timonel.contract import DataContract as DataContract
    from timonel.monitor.config import MonitorConfig as MonitorConfig
    from timonel.monitor.metrics import Metrics as Metrics
    from timonel.monitor.monitor import ModelMonitor as ModelMonitor
    from timonel.performance.value import Measured as Measured
    from timonel.reference import Reference as Reference

__version__ = "0.1.0"

_PUBLIC = {
    "Anomaly": "timonel.anomalies",
    "Config": "timonel.config",
    "DataContract": "timonel.contract",
    "Measured": "timonel.performance.value",
    "Metrics": "timonel.monitor.metrics",
    "ModelMonitor": "timonel.monitor.monitor",
    "MonitorConfig": "timonel.monitor.config",
    "Reference": "timonel.reference",
}

__all__ = [
    "Anomaly",
    "Config",
    "DataContract",
    "Measured",
    "Metrics",
    "ModelMonitor",
    "MonitorConfig",
    "Reference",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'timonel' has no attribute '{name}'")
