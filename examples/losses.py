"""What a model's predictions came to over a span of time, as the monitor's API says it, with intervals."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from online import Online

NAMES = {"accuracy": "accuracy", "rejected_rate": "refused"}
"""What is measured: right answers among the answers, and requests that got none."""
HARM = {"accuracy": -1, "rejected_rate": 1}
"""Which way it gets worse."""


@dataclass(frozen=True)
class Span:
    """The figures of a span of time, each with its 95 % interval: value, lower, upper, n."""

    figures: dict[str, tuple[float, float, float, int]]

    def __str__(self) -> str:
        """One line; what the monitor has no value for is left out."""
        told = [
            f"{NAMES[key]} {value:.1%} ({lower:.1%} to {upper:.1%}, n={n:,})"
            for key, (value, lower, upper, n) in self.figures.items()
        ]
        return "; ".join(told) or "too few answers and labels to say"

    def worse(self, other: "Span", key: str) -> bool | None:
        """Whether a figure is worse by more than chance (the intervals do not meet); None: not known."""
        mine, theirs = self.figures.get(key), other.figures.get(key)
        if mine is None or theirs is None:
            return None
        return mine[2] < theirs[1] if HARM[key] < 0 else mine[1] > theirs[2]


def read(online: Online, start: datetime, end: datetime) -> Span:
    """Ask the monitor."""
    span = urlencode({"start": start.isoformat(), "end": end.isoformat()})
    found = online.ask(f"metrics?{span}")["metrics"]
    known = {key: found[key] for key in NAMES if found[key]["lower"] is not None}
    return Span({k: (v["value"], v["lower"], v["upper"], v["n"]) for k, v in known.items()})


def verdict(before: Span, during: Span, after: Span) -> str:
    """Whether what was measured is a recovery; nothing is one that was not measured."""
    hurt = [key for key in NAMES if during.worse(before, key)]
    if not hurt:
        return "neither figure got worse by more than chance: there is no recovery to measure"
    again = [after.worse(before, key) for key in NAMES]
    if None in again:
        return "not known: the monitor has no value for a figure"
    if not any(again):
        named = " and ".join(NAMES[key] for key in hurt)
        return f"recovered: {named}, which had got worse, no worse than before the fault"
    if all(during.worse(after, key) for key in hurt):
        return "better than with the fault, and still worse than before it"
    return "not recovered"
