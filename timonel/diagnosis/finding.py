"""What a diagnosis says: ranked findings, how much of the loss each explains, and what could not be asked."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from timonel.diagnosis.cause import Action, Cause, Confidence
from timonel.performance.value import Measured


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a cause acts; all empty: everywhere."""

    columns: tuple[str, ...] = ()
    """Features, or columns of the log such as latency_ms, label, label_arrival_time."""
    segment: str | None = None
    """As "country=ES", two conditions joined by " & "."""
    version: str | None = None
    pod: str | None = None

    def __str__(self) -> str:
        named = (("segment", self.segment), ("version", self.version), ("pod", self.pod))
        parts = (", ".join(self.columns), *(f"{k} {v}" for k, v in named if v is not None))
        return "; ".join(filter(None, parts)) or "everywhere"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "columns": list(self.columns),
            "segment": self.segment,
            "version": self.version,
            "pod": self.pod,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause, with what speaks for and against it."""

    cause: Cause
    scope: Scope
    share: Measured
    """The fraction of the change in loss that it explains, with a 95 % bootstrap interval; without a
    value where nothing was lost by it, or labels do not say."""
    evidence: tuple[str, ...]
    """Plain sentences with numbers."""
    counter_evidence: tuple[str, ...]
    first_seen: datetime | None
    action: Action
    runbook: str
    """The page under docs/runbooks, without its ending."""
    confidence: Confidence

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "cause": self.cause.value,
            "scope": self.scope.to_dict(),
            "share": self.share.to_dict(),
            "evidence": list(self.evidence),
            "counter_evidence": list(self.counter_evidence),
            "first_seen": _iso(self.first_seen),
            "action": self.action.value,
            "runbook": self.runbook,
            "confidence": self.confidence.value,
        }


class DiagnosisState(StrEnum):
    """How the question was answered."""

    NONE = "none"
    """Nothing has changed."""
    BENIGN = "benign"
    """Something has changed that asks for no action."""
    EXPLAINED = "explained"
    """Something has changed, and the findings say why."""
    UNKNOWN = "unknown"
    """Something has changed, and less than 60 % of it could be explained."""
    NOT_ENOUGH = "not_enough"
    """Too few rows or labels to say."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer to "why did it get worse"."""

    state: DiagnosisState
    loss_reference: Measured
    """Mean log-loss of the labelled reference rows."""
    loss_current: Measured
    change: Measured
    """loss_current - loss_reference; its interval allows for rows of a day being alike."""
    findings: tuple[Finding, ...]
    """The most important first."""
    unexplained: Measured
    """The fraction of the change that no finding explains."""
    missing: tuple[str, ...]
    """What could not be asked, and why."""
    onset: datetime | None
    """When the change began, in event time."""
    seconds: float | None = None
    """How long it took, where the caller measured it."""

    @property
    def cause(self) -> Cause | None:
        """The most probable cause; None where there is none, or none is sure enough to be named."""
        if self.state is DiagnosisState.BENIGN:
            return Cause.BENIGN
        named = self.state is DiagnosisState.EXPLAINED and self.findings
        return self.findings[0].cause if named else None

    @property
    def action(self) -> Action:
        """What to do first."""
        if self.state in (DiagnosisState.NONE, DiagnosisState.BENIGN):
            return Action.NONE
        if self.state is DiagnosisState.EXPLAINED and self.findings:
            return self.findings[0].action
        waits = self.state is DiagnosisState.NOT_ENOUGH
        return Action.WAIT_FOR_LABELS if waits else Action.INVESTIGATE

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "state": self.state.value,
            "cause": self.cause.value if self.cause else None,
            "action": self.action.value,
            "loss_reference": self.loss_reference.to_dict(),
            "loss_current": self.loss_current.to_dict(),
            "change": self.change.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "unexplained": self.unexplained.to_dict(),
            "missing": list(self.missing),
            "onset": _iso(self.onset),
            "seconds": self.seconds,
        }

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.to_dict(), allow_nan=False, ensure_ascii=False)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
