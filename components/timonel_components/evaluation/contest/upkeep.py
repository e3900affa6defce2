"""What must not be lost: calibration, latency, robustness."""

from collections.abc import Iterator

import numpy as np

from timonel.retraining.gates import Contrast, Verdict, within
from timonel_components.evaluation.contest.duel import LOSSES, RESAMPLES, Duel
from timonel_components.evaluation.contest.words import gate, unknown
from timonel_components.evaluation.gates import GateResult
from timonel_components.evaluation.latency import predictor, side_by_side
from timonel_components.evaluation.robustness import spoilt
from timonel_components.metrics.figures import UndefinedMetric


def calibration(duel: Duel) -> GateResult:
    """The calibration error may not rise by the margin."""
    margin = duel.settings.calibration_margin
    try:
        found, (new, old) = duel.contrast("ece"), duel.figures("ece")
    except UndefinedMetric as why:
        return unknown("calibration", "ece", _less(margin), str(why))
    return _kept(duel, "calibration", "ece", found, margin, f"{new:.3g} against {old:.3g}")


def latency(duel: Duel) -> GateResult:
    """The p95 of single rows, both models timed in turn."""
    rival, table = duel.rival, duel.sample.table
    graph = rival.package.path / "model.onnx"
    theirs = predictor(rival.fitted, graph.read_bytes() if graph.exists() else None)
    ours = predictor(duel.model, duel.graph)
    new, old = side_by_side((ours, duel.sample.batch), (theirs, rival.read(table)))
    rng = np.random.default_rng(duel.bootstrap.seed)
    again = rng.integers(len(new), size=(RESAMPLES, len(new)))
    a, b = float(np.quantile(new, 0.95)), float(np.quantile(old, 0.95))
    spread = np.quantile(new[again], 0.95, axis=1) - np.quantile(old[again], 0.95, axis=1)
    found = Contrast(a - b, float(spread.std(ddof=1)), len(new), len(new))
    margin = duel.settings.latency_margin_ms
    return _kept(duel, "latency", "latency_p95_ms", found, margin, f"{a:.3g} against {b:.3g} ms")


def robustness(duel: Duel) -> Iterator[GateResult]:
    """The loss of both on rows spoilt in the same way."""
    seed, y = duel.bootstrap.seed, duel.sample.y
    rival, loss = duel.rival, duel.loss
    before = rival.read(duel.sample.table)
    ours = spoilt(duel.sample.batch, duel.model.contract, seed)
    theirs = dict(spoilt(before, rival.fitted.contract, seed))
    for what, rows in ours:
        if what not in theirs:
            continue
        new, old = duel.model.scored(rows, y), rival.scored(theirs[what], y)
        a, b = (float(LOSSES[loss](scored).mean()) for scored in (new, old))
        found = duel.by_row(loss, new, old)
        margin = duel.settings.robustness_margin * b
        name = f"{loss}, {what}"
        yield _kept(duel, "robustness", name, found, margin, f"{a:.4g} against {b:.4g}")


def _kept(
    duel: Duel, kind: str, name: str, found: Contrast, margin: float, figures: str
) -> GateResult:
    verdict = within(found, margin, duel.settings.alpha)
    shown = "is shown" if verdict is Verdict.HOLDS else "is not shown"
    return gate(
        kind,
        name,
        verdict,
        found,
        alpha=duel.settings.alpha,
        margin=margin,
        expected=_less(margin),
        sentence=f"The challenger {shown} to be {_less(margin)} in {name}: {figures}.",
    )


def _less(margin: float) -> str:
    return f"less than {margin:.3g} worse than the champion"
