"""The waterfall of a diagnosis: from the loss before, by each cause's part, to the loss now."""

from timonel.diagnosis import Diagnosis
from timonel.diagnosis.words import CAUSES
from timonel.monitor.report.markup import Markup, join, shortened, tag

FALL = "Where the loss comes from"
STEP = 34
"""Height of a bar with its space."""


def waterfall(found: Diagnosis) -> Markup | None:
    """Before, each cause's part, what is unexplained, now; None where no finding has a share."""
    parts = [
        (CAUSES[f.cause], f.share.value * float(found.change), "part")
        for f in found.findings
        if f.share.ok and f.share.value is not None and found.change.ok
    ]
    if not parts:
        return None
    before, now = float(found.loss_reference), float(found.loss_current)
    rest = now - before - sum(value for _, value, _ in parts)
    steps = [("before", 0.0, before, "whole")]
    at = before
    for name, value, kind in [*parts, ("unexplained", rest, "rest")]:
        steps.append((name, at, at + value, kind))
        at += value
    steps.append(("now", 0.0, now, "whole"))
    top = max(max(a, b) for _, a, b, _ in steps) or 1.0
    rows = [_bar(i, step, top) for i, step in enumerate(steps)]
    spoken = "; ".join(f"{name} {b - a:+.4f}" for name, a, b, _ in steps)
    return tag(
        "svg",
        *rows,
        viewBox=f"0 0 720 {STEP * len(steps)}",
        role="img",
        aria_label=spoken,
        class_="fall",
    )


def _bar(i: int, step: tuple[str, float, float, str], top: float) -> Markup:
    name, a, b, kind = step
    left, right = (max(0.0, min(x, top)) / top * 380 for x in (min(a, b), max(a, b)))
    figure = f"{b:.4f}" if kind == "whole" else f"{b - a:+.4f}"
    return join(
        tag("text", shortened(name, 34), x=220, y=STEP * i + 21, text_anchor="end"),
        tag(
            "rect",
            x=230 + left,
            y=STEP * i + 6,
            width=max(right - left, 1.5),
            height=22,
            rx=3,
            class_=kind,
        ),
        tag("text", figure, x=238 + right, y=STEP * i + 21),
    )
