"""The groups of evaluation.slices: none may be shown to be served worse than by the champion."""

import numpy as np
from numpy.typing import NDArray

from timonel.retraining.gates import Contrast, Verdict, slices
from timonel.terms import Undecided
from timonel_components.evaluation.contest.duel import LOSSES, Duel
from timonel_components.evaluation.contest.words import estimate, gate
from timonel_components.evaluation.gates import GateResult
from timonel_components.evaluation.slices import MAX_GROUPS, groups

Members = NDArray[np.int64]


def by_group(duel: Duel, columns: tuple[str, ...]) -> list[GateResult]:
    """A gate for each group with enough rows, judged together."""
    settings, loss = duel.settings, duel.loss
    named = [*_judged(duel, columns)]
    theirs = LOSSES[loss](duel.old)
    found = [duel.by_row(loss, duel.new, duel.old, rows) for _, rows in named]
    margins = [settings.slice_margin * float(theirs[rows].mean()) for _, rows in named]
    verdicts = slices(found, margins, settings.alpha)
    return [
        _gate(duel, name, contrast, margin, verdict)
        for (name, _), contrast, margin, verdict in zip(
            named, found, margins, verdicts, strict=True
        )
    ]


def _judged(duel: Duel, columns: tuple[str, ...]) -> list[tuple[str, Members]]:
    return [
        (f"{column} = {group}", members)
        for column in columns
        for group, members in groups(duel.sample, column)[:MAX_GROUPS]
        if len(members) >= duel.settings.slice_rows
    ]


def _gate(duel: Duel, name: str, found: Contrast, margin: float, verdict: Verdict) -> GateResult:
    settings = duel.settings
    allowed = verdict is Verdict.UNDECIDED and settings.undecided_slices is Undecided.ALLOW
    return gate(
        "slice",
        f"{duel.loss}, {name}",
        verdict,
        found,
        alpha=settings.alpha,
        margin=margin,
        passed=verdict is Verdict.HOLDS or allowed,
        expected=f"not worse than the champion by {margin:.3g} or more",
        sentence=_sentence(duel, name, found, margin, verdict),
    )


def _sentence(duel: Duel, name: str, found: Contrast, margin: float, verdict: Verdict) -> str:
    where = f"Where {name} ({found.n:,} rows)"
    if verdict is Verdict.HOLDS:
        return f"{where} any loss of the challenger is less than {margin:.3g} {duel.loss}."
    if verdict is Verdict.FAILS:
        return f"{where} the challenger is shown to be worse, by {found.value:.3g} {duel.loss}."
    high = estimate(found, duel.settings.alpha).high
    most = "" if high is None else f": it may be worse by up to {high:.3g} {duel.loss}"
    return f"{where} the rows are too few to tell{most}."
