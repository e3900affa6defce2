"""timonel.yaml: the settings of one model, read once at the edge and checked whole."""

from timonel.config.load import load_config, parse_config
from timonel.config.model import Config
from timonel.config.retraining import Retraining
from timonel.config.sections import Costs, Gate, Kind
from timonel.terms import Candidate, OnViolation, Task

__all__ = [
    "Candidate",
    "Config",
    "Costs",
    "Gate",
    "Kind",
    "OnViolation",
    "Retraining",
    "Task",
    "load_config",
    "parse_config",
]
