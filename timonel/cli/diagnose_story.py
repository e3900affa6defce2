"""What `timonel diagnose` prints: the answer first, then the figures."""

from collections.abc import Iterator

from timonel.cli.diagnose_case import Asked
from timonel.diagnosis import Diagnosis, Finding
from timonel.diagnosis.words import ACTIONS, CAUSES, loss, share, verdict


def story(asked: Asked, found: Diagnosis) -> str:
    """The diagnosis as text."""
    return "\n".join(_lines(asked, found))


def _lines(asked: Asked, found: Diagnosis) -> Iterator[str]:
    yield verdict(found)
    yield f"to do     {ACTIONS[found.action]}"
    if found.onset:
        yield f"since     {found.onset:%Y-%m-%d %H:%M} UTC"
    yield f"log-loss  {loss(found)}"
    yield (
        f"looked at {asked.rows[1]:,} predictions of {asked.model} from {asked.start:%Y-%m-%d %H:%M}"
        f" to {asked.end:%Y-%m-%d %H:%M}, beside {asked.rows[0]:,} before"
        + (f", in {found.seconds:.1f} s" if found.seconds is not None else "")
    )
    for number, finding in enumerate(found.findings, 1):
        yield ""
        yield from _finding(number, finding)
    if found.unexplained.ok:
        yield f"\nunexplained: {found.unexplained:.0%} of the change"
    if found.missing:
        yield "\nnot asked:"
        yield from (f"  - {text}" for text in found.missing)


def _finding(number: int, finding: Finding) -> Iterator[str]:
    yield f"{number}. {CAUSES[finding.cause]} [{finding.cause.value}] - {finding.scope}"
    yield f"   {share(finding)}, confidence {finding.confidence.value}"
    yield from (f"   + {text}" for text in finding.evidence)
    yield from (f"   - {text}" for text in finding.counter_evidence)
    if finding.first_seen:
        yield f"   first seen {finding.first_seen:%Y-%m-%d %H:%M} UTC"
    yield f"   to do: {ACTIONS[finding.action]} (docs/runbooks/{finding.runbook}.md)"
