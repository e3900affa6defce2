"""Diagnosis: why a model got worse, in ranked causes with evidence, counter-evidence and what to do."""

from timonel.diagnosis.case import Case, Replay
from timonel.diagnosis.cause import DEFAULT_ACTION, Action, Cause, Confidence
from timonel.diagnosis.diagnose import diagnose
from timonel.diagnosis.finding import Diagnosis, DiagnosisState, Finding, Scope

__all__ = [
    "DEFAULT_ACTION",
    "Action",
    "Case",
    "Cause",
    "Confidence",
    "Diagnosis",
    "DiagnosisState",
    "Finding",
    "Replay",
    "Scope",
    "diagnose",
]
