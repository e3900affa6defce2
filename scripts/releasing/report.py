"""A release as Markdown, for a job's summary, a pull request or a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def report(title: str, name: str, last: dict[str, Any], steps: Sequence[str]) -> str:
    """Return the judge's reasons and numbers, and what was done when."""
    lines = [f"## {title}", ""]
    lines += [f"- {reason}" for reason in last.get("reasons", [])]
    lines += ["", f"{last.get('blocks', 0)} blocks, rollout `{name}`.", ""]
    lines += [
        "| metric | stable | canary | canary less stable | evidence of harm | of safety |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(metric) for metric in last.get("metrics", {}).values()]
    return "\n".join([*lines, "", "```text", *steps, "```", ""])


def _row(metric: dict[str, Any]) -> str:
    cells = [metric["name"], *(_value(metric[key]) for key in ("stable", "canary", "difference"))]
    for side in ("harm", "safe"):
        evidence, bar = _number(metric[f"e_{side}"]), _number(metric[f"{side}_bar"])
        cells.append(f"{evidence} ({bar} suffices)")
    return "| " + " | ".join(cells) + " |"


def _value(value: dict[str, Any]) -> str:
    number, lower, upper = (value.get(key) for key in ("value", "lower", "upper"))
    if number is None:
        return str(value.get("state", "unknown"))
    return f"{number:.4g} ({_number(lower)} to {_number(upper)})"


def _number(number: float | None) -> str:
    return "-" if number is None else f"{number:.3g}"
