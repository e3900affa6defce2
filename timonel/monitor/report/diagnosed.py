"""A diagnosis as a part of the report: why a model got worse, what speaks for and against it, what to do."""

from timonel.diagnosis import Diagnosis, Finding
from timonel.diagnosis.words import ACTIONS, CAUSES, loss, share, verdict
from timonel.monitor.report.markup import Markup, join, tag
from timonel.monitor.report.waterfall import FALL, waterfall


def diagnosed(found: Diagnosis, seq: int) -> Markup:
    """The card; `seq` is the diagnosis' number in the chain of decisions."""
    since = f"Since {found.onset:%d %b %Y %H:%M} UTC. " if found.onset else ""
    drawn = waterfall(found)
    return tag(
        "section",
        tag("h2", "Diagnosis"),
        tag("p", tag("b", verdict(found))),
        tag("p", f"{since}Log-loss {loss(found)}. Record {seq} of the decisions."),
        tag("p", tag("b", "To do: "), f"{ACTIONS[found.action]}."),
        join(tag("h3", FALL), drawn) if drawn else None,
        *(tag("div", finding(one, "h3"), class_="told") for one in found.findings),
        class_="card",
    )


def finding(one: Finding, heading: str = "h2") -> Markup:
    """One cause."""
    since = f", first seen {one.first_seen:%d %b %Y %H:%M} UTC" if one.first_seen else ""
    against = [tag("li", text) for text in one.counter_evidence]
    return join(
        tag(heading, f"{CAUSES[one.cause].capitalize()}: {one.scope}"),
        tag("p", f"{share(one).capitalize()}; confidence {one.confidence.value}{since}."),
        tag("p", tag("b", "What speaks for it")),
        tag("ul", *(tag("li", text) for text in one.evidence)),
        join(tag("p", tag("b", "What speaks against it")), tag("ul", *against))
        if against
        else None,
        tag(
            "p",
            tag("b", "To do: "),
            f"{ACTIONS[one.action]}. Runbook: docs/runbooks/{one.runbook}.md.",
        ),
    )
