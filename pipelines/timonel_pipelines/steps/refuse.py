"""The last step of a model that failed its gates: the reasons, kept where its run is kept."""

from pathlib import Path

from timonel_pipelines.journal import Outcome
from timonel_pipelines.steps.context import context
from timonel_pipelines.steps.examined import Examined


def record_refusal(
    outcome: Outcome, text: str, base: str, prepared: str, examined: str, reasons: str
) -> None:
    """Write which gates failed, and by how much; the run ends well, without a version."""
    with context(text, base, prepared) as at:
        failures = [str(failure) for failure in Examined(Path(examined)).gates.failures]
        Path(reasons).write_text("".join(f"- {f}\n" for f in failures), encoding="utf-8")
        at.run.set_tags({"timonel.refused": "; ".join(failures)})
        at.run.close()
    outcome.note = "; ".join(failures)
    outcome.facts = {"failures": failures}
