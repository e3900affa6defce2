"""The newest diagnosis on a model's page, as its template takes it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from timonel.diagnosis import Diagnosis, Finding
from timonel.diagnosis.words import ACTIONS, CAUSES, TONES, loss, share, verdict
from timonel.monitor.report.markup import Markup
from timonel.monitor.report.waterfall import waterfall
from timonel_serving.monitor.models.watched import Watched

if TYPE_CHECKING:
    from timonel.diagnosis.record import Told

MOST_MISSING = 8


@dataclass(frozen=True, slots=True)
class Named:
    """One finding in words."""

    heading: str
    said: str
    evidence: tuple[str, ...]
    against: tuple[str, ...]
    action: str
    runbook: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A diagnosis in words, with the picture of where the loss comes from."""

    tone: str
    word: str
    said: str
    action: str
    loss: str
    unexplained: str
    since: datetime | None
    seq: int
    digest: str
    findings: tuple[Named, ...]
    missing: tuple[str, ...]
    fall: Markup | None


def diagnosed(watched: Watched, told: "Told | None") -> dict[str, Any]:
    """The template's variables."""
    address = watched.config.monitoring.alerts.runbook_url
    return {
        "diagnosis": shown(told, address),
        "diagnosing": watched.diagnosing,
        "keeps": watched.keeps,
    }


def shown(told: "Told | None", address: str) -> Shown | None:
    """The diagnosis of a record; `address` is that of a runbook, {page} standing for its name."""
    if told is None:
        return None
    found, record = told.diagnosis, told.record
    return Shown(
        TONES[found.state],
        "no action" if TONES[found.state] == "well" else found.state.value.replace("_", " "),
        verdict(found),
        ACTIONS[found.action],
        loss(found),
        _unexplained(found),
        found.onset,
        record.seq,
        record.hash[:12],
        tuple(_named(one, address) for one in found.findings),
        found.missing[:MOST_MISSING],
        waterfall(found),
    )


def _unexplained(found: Diagnosis) -> str:
    return f"{found.unexplained:.0%} of the change" if found.unexplained.ok else ""


def _named(finding: Finding, address: str) -> Named:
    since = f", first seen {finding.first_seen:%d %b %H:%M} UTC" if finding.first_seen else ""
    return Named(
        f"{CAUSES[finding.cause].capitalize()}: {finding.scope}",
        f"{share(finding).capitalize()}; confidence {finding.confidence.value}{since}.",
        finding.evidence,
        finding.counter_evidence,
        ACTIONS[finding.action],
        address.replace("{page}", finding.runbook),
    )
