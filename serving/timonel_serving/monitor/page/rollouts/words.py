"""A rollout in plain words."""

from dataclasses import dataclass
from typing import Any

from timonel.anomalies.words import percent
from timonel.monitor.report.icons import status_icon
from timonel.monitor.report.markup import Markup
from timonel.monitor.report.verdict import Status
from timonel_serving.monitor.rollouts.story import RUNNING, Story, Told

_HEADINGS = {
    "started": "Started",
    "weight": "Traffic changed",
    "restarted": "Started again",
    "judged": "Judged",
    "approved": "Approved",
    "promoting": "Promotion begins",
    "holding": "All requests to the new version, its predecessor stays warm",
    "returning": "Harm after the change: everything goes back",
    "ended": "Ended",
    "second": "Second verdict",
}
_LOOKS = {
    "promote": ("well", Status.WELL, "promoted"),
    "rollback": ("degraded", Status.DEGRADED, "rolled back"),
    "inconclusive": ("watch", Status.WATCH, "inconclusive"),
    "continue": ("learning", Status.LEARNING, "under way"),
    RUNNING: ("learning", Status.LEARNING, "under way"),
}
_UNTOLD = frozenset(("rollout", "step", "lease_seconds", "decision", "course", "reasons"))
MOST_LETTERS = 300


@dataclass(frozen=True, slots=True)
class Look:
    """A verdict by word, shape and colour."""

    css: str
    icon: Markup
    word: str


@dataclass(frozen=True, slots=True)
class Line:
    """One step on the timeline."""

    told: Told
    heading: str
    said: str
    points: tuple[str, ...]
    """Reasons, one each."""
    inputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """One metric after the last block."""

    name: str
    stable: str
    canary: str
    difference: str
    harm: str
    safe: str
    harmful: bool
    shown: bool


def look(verdict: str) -> Look:
    """How a verdict looks; what is not known looks inconclusive."""
    css, status, word = _LOOKS.get(verdict, _LOOKS["inconclusive"])
    return Look(css, status_icon(status), word)


def headline(story: Story) -> str:
    """What became of it, in a sentence."""
    canary, stable = story.canary or "unknown", story.stable or "unknown"
    return f"Version {canary} in place of version {stable}: {look(story.verdict).word}"


def timeline(story: Story) -> list[Line]:
    """All steps, in the order of time."""
    return [line(told) for told in story.steps]


def line(told: Told) -> Line:
    """One step in plain words."""
    points = told.reasons if told.step == "judged" else ()
    heading = _HEADINGS.get(told.step, told.step.capitalize())
    return Line(told, heading, _capital(told.said), points, tuple(_inputs(told)))


def _inputs(told: Told) -> list[tuple[str, str]]:
    """The plain ones among what a step was decided by."""
    found = []
    for key, value in told.details.items():
        if key in _UNTOLD or isinstance(value, list):
            continue
        values = value.items() if isinstance(value, dict) else [("", value)]
        found += [(f"{key} {name}".replace("_", " ").strip(), _text(v)) for name, v in values]
    return found


def _text(value: Any) -> str:
    return f"{value}" if len(f"{value}") <= MOST_LETTERS else f"{value}"[:MOST_LETTERS] + "…"


def standings(story: Story) -> list[Standing]:
    """Each metric's rates and evidence; empty before the first block."""
    metrics = (story.decision or {}).get("metrics") or {}
    return [_standing(name, found) for name, found in metrics.items()]


def _standing(name: str, found: dict[str, Any]) -> Standing:
    harm, harm_bar, safe, safe_bar = (
        found.get(k) for k in ("e_harm", "harm_bar", "e_safe", "safe_bar")
    )
    return Standing(
        name,
        stable=_rate(found.get("stable")),
        canary=_rate(found.get("canary")),
        difference=_difference(found.get("difference")),
        harm=against(harm, harm_bar),
        safe=against(safe, safe_bar),
        harmful=harm is not None and harm_bar is not None and harm >= harm_bar,
        shown=safe is not None and safe_bar is not None and safe >= safe_bar,
    )


def amount(e: float | None) -> str:
    """An e-value in few digits."""
    if e is None:
        return "-"
    if e >= 1e6:
        return f"{e:.0e}".replace("e+0", "e").replace("e+", "e")
    return f"{e:,.0f}" if e >= 100 else f"{e:.3g}"


def against(value: float | None, bar: float | None) -> str:
    """An e-value and what suffices."""
    if value is None:
        return "not asked for"
    return amount(value) if bar is None else f"{amount(value)} of {amount(bar)}"


def _rate(found: dict[str, Any] | None) -> str:
    if not found or found.get("value") is None:
        return str((found or {}).get("state", "unknown"))
    text = percent if 0 <= found["value"] <= 1 else lambda v: f"{v:.3g}"
    return f"{text(found['value'])} of {found['n']:,}"


def _difference(found: dict[str, Any] | None) -> str:
    if not found or found.get("value") is None:
        return str((found or {}).get("state", "unknown"))
    value, low, high = (found.get(k) for k in ("value", "lower", "upper"))
    text = f"{value:+.3g}"
    return text if low is None or high is None else f"{text} ({low:+.3g} to {high:+.3g})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
