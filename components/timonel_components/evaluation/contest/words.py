"""A verdict as a gate with a plain sentence."""

from timonel.retraining.gates import Contrast, Verdict
from timonel_components.evaluation.gates import GateResult
from timonel_components.evaluation.result import Estimate


def gate(
    kind: str,
    name: str,
    verdict: Verdict,
    found: Contrast,
    *,
    alpha: float,
    sentence: str,
    expected: str,
    margin: float | None = None,
    sign: int = 1,
    passed: bool | None = None,
) -> GateResult:
    """The gate of a contrast; `sign` is -1 for a figure that should be high."""
    difference = estimate(found, alpha, sign)
    return GateResult(
        metric=name,
        expected=expected,
        actual=f"difference {difference}",
        passed=verdict is Verdict.HOLDS if passed is None else passed,
        kind=kind,
        verdict=verdict,
        margin=margin,
        difference=difference,
        sentence=sentence,
    )


def unknown(kind: str, name: str, expected: str, why: str) -> GateResult:
    """A gate that could not be judged: it does not hold."""
    return GateResult(
        metric=name,
        expected=expected,
        actual=f"undefined: {why}",
        passed=False,
        kind=kind,
        verdict=Verdict.UNDECIDED,
        sentence=f"{name} could not be compared: {why}.",
    )


def estimate(found: Contrast, alpha: float, sign: int = 1) -> Estimate:
    """The contrast as a difference of figures, with an interval whose ends each hold at 1 - alpha."""
    inside = found.interval(alpha)
    if inside.lower is None or inside.upper is None:
        return Estimate(value=None, reason=f"too few rows ({found.n:,}) to judge by")
    low, high = sorted((sign * inside.lower, sign * inside.upper))
    return Estimate(value=sign * found.value, low=low, high=high)


def least(found: Contrast, alpha: float) -> str:
    """What these rows could have shown."""
    return f"{found.n:,} rows show a difference of {found.detectable(alpha):.2g} four times out of five"
