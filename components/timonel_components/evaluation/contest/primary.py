"""The metric that decides: the challenger must be better, or not worse by a margin."""

from timonel.retraining.gates import Verdict, superior, within
from timonel.terms import Proof
from timonel_components.evaluation.contest.duel import Duel
from timonel_components.evaluation.contest.words import gate, least, unknown
from timonel_components.evaluation.gates import GateResult
from timonel_components.metrics.figures import UndefinedMetric
from timonel_components.metrics.known import higher_is_better


def primary(duel: Duel) -> GateResult:
    """Superiority, or non-inferiority, on the metric of the settings."""
    settings, name = duel.settings, duel.metric
    better = settings.require is Proof.SUPERIORITY
    margin = None if better else settings.margin
    kind, expected = settings.require.value, _expected(margin)
    try:
        found, (new, old) = duel.contrast(name), duel.figures(name)
    except UndefinedMetric as why:
        return unknown(kind, name, expected, str(why))
    alpha = settings.alpha
    verdict = superior(found, alpha) if margin is None else within(found, margin, alpha)
    shown = "is shown" if verdict is Verdict.HOLDS else "is not shown"
    sentence = f"The challenger {shown} to be {expected}: {name} {new:.4g} against {old:.4g}"
    if verdict is not Verdict.HOLDS:
        sentence += f"; {least(found, alpha)}"
    return gate(
        kind,
        name,
        verdict,
        found,
        alpha=alpha,
        margin=margin,
        sign=-1 if higher_is_better(name) else 1,
        expected=expected,
        sentence=sentence + ".",
    )


def _expected(margin: float | None) -> str:
    if margin is None:
        return "better than the champion"
    return f"less than {margin:g} worse than the champion"
