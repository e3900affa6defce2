"""A diagnosis in words: the same for terminal, report and page."""

from timonel.diagnosis.cause import Action, Cause
from timonel.diagnosis.finding import Diagnosis, DiagnosisState, Finding

CAUSES = {
    Cause.DATA_QUALITY: "broken data",
    Cause.INFRASTRUCTURE: "a fault of the service",
    Cause.LABEL_ARTEFACT: "the labels, not the model",
    Cause.SERVING_SKEW: "scores that do not fit the logged features",
    Cause.DEPLOY: "a worse version",
    Cause.PRIOR_SHIFT: "another share of positives",
    Cause.COVARIATE_SHIFT: "other rows than before",
    Cause.CONCEPT_CHANGE: "a world that follows another rule",
    Cause.BENIGN: "a harmless change of the population",
}
ACTIONS = {
    Action.FIX_DATA: "mend the data at their source; do not retrain on them",
    Action.FIX_SERVING: "mend the service; retraining would not help",
    Action.ROLL_BACK: "roll back to the version before",
    Action.RECALIBRATE: "recalibrate the scores, or move the threshold",
    Action.MOVE_THRESHOLD: "move the threshold",
    Action.RETRAIN: "retrain: there are rows that the model has not learnt from",
    Action.RETRAIN_RECENT: "retrain on rows from after the onset",
    Action.WAIT_FOR_LABELS: "wait until the labels have arrived",
    Action.NONE: "nothing",
    Action.INVESTIGATE: "look into it: what was found does not explain enough",
}

TONES = {
    DiagnosisState.NONE: "well",
    DiagnosisState.BENIGN: "well",
    DiagnosisState.EXPLAINED: "degraded",
    DiagnosisState.UNKNOWN: "watch",
    DiagnosisState.NOT_ENOUGH: "no-data",
}
"""How a state is coloured: the class of a verdict."""


def verdict(found: Diagnosis) -> str:
    """The answer in a sentence."""
    if found.state is DiagnosisState.NONE:
        return "Nothing has changed that would need an explanation."
    if found.state is DiagnosisState.NOT_ENOUGH:
        return "There is too little to say whether it got worse."
    if found.state is DiagnosisState.UNKNOWN:
        return f"{_change(found)}, and nobody knows why yet: too little of it is explained."
    named = CAUSES[found.cause] if found.cause else "unknown"
    if found.state is DiagnosisState.BENIGN:
        return f"{named[0].upper()}{named[1:]}: no action."
    first = found.findings[0]
    share = f" ({first.share.value:.0%} of the loss)" if first.share.ok else ""
    return f"Most probably {named}: {first.scope}{share}."


def _change(found: Diagnosis) -> str:
    if not found.change.ok:
        return "Something has changed"
    return f"The log-loss changed by {found.change:+.4f}"


def loss(found: Diagnosis) -> str:
    """Before, now, difference."""
    if not found.change.ok:
        return "not known: see what could not be asked"
    low, high = found.change.lower, found.change.upper
    span = f" ({low:+.4f} to {high:+.4f})" if low is not None and high is not None else ""
    return (
        f"{found.loss_reference:.4f} before, {found.loss_current:.4f} now,"
        f" change {found.change:+.4f}{span}, n={found.change.n:,}"
    )


def share(finding: Finding) -> str:
    """Of the loss, with its interval."""
    m = finding.share
    if not m.ok:
        return "no loss of its own"
    span = (
        f" ({m.lower:.0%} to {m.upper:.0%})" if m.lower is not None and m.upper is not None else ""
    )
    return f"{m:.0%} of the change{span}"
