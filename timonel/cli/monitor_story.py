"""What `timonel monitor` prints: well or not, since when, what to do; then the figures."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from timonel.anomalies import Anomaly
from timonel.monitor.metrics import Metrics
from timonel.monitor.report import ReportView, verdict
from timonel.performance.value import Measured, State

MOST_CLEARED = 5
MOST_FEATURES = 5
"""Features whose drift is printed, the largest."""


def as_dict(view: ReportView, metrics: Metrics) -> dict[str, Any]:
    """The whole answer as plain JSON values."""
    found = verdict(view)
    return {
        "model": view.model,
        "status": found.status.value,
        "sentence": found.sentence,
        "next_step": found.next_step,
        "since": None if found.since is None else found.since.isoformat(),
        "learning": view.learning or None,
        "reference": view.reference or None,
        "metrics": metrics.to_dict(),
        "anomalies": [anomaly.to_dict() for anomaly in view.anomalies],
        "notes": list(view.notes),
    }


def story(log: str, rows: int | None, view: ReportView, metrics: Metrics) -> str:
    """The same for a person; `rows` are those of the log, if they were counted."""
    found = verdict(view)
    kept = f"{view.n:,} from {_clock(view.start)} to {_clock(view.end)} UTC"
    lines = [
        f"{log}: {kept}"
        if rows in (None, view.n)
        else f"{log}: {rows:,} predictions; {kept} are kept",
        f"{found.status.value.upper()}  {found.sentence}",
        f"next: {found.next_step}",
        "",
        *figures(metrics),
        *_anomalies(view),
    ]
    if view.reference:
        lines.append(f"reference: {view.reference}")
    return "\n".join([*lines, *(f"note: {note}" for note in dict.fromkeys(view.notes))])


def figures(metrics: Metrics) -> Iterator[str]:
    """The metrics of a window, a line each."""
    counts = f"n={metrics.n:,}, {metrics.n_labelled:,} labelled"
    yield f"{_clock(metrics.start)} to {_clock(metrics.end)}: {counts}"
    shown = {
        n: v for n, v in metrics.values.items() if "[" not in n and n not in ("n", "n_labelled")
    }
    drift = {n: v for n, v in metrics.values.items() if n.startswith("drift[")}
    largest = sorted(drift, key=lambda n: -(drift[n].value or 0.0))[:MOST_FEATURES]
    shown |= {n: drift[n] for n in largest}
    unknown = [n for n, v in shown.items() if v.state is State.NO_DATA]
    shown = {n: v for n, v in shown.items() if n not in unknown}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        yield f"  {name:<{width}}  {_number(value)}"
    if unknown:
        yield f"  not logged: {', '.join(unknown)}"
    yield ""


def _number(value: Measured) -> str:
    if value.value is None:
        return f"{'-':>10}  {value.state}"
    interval = ""
    if value.lower is not None and value.upper is not None:
        interval = f"{value.lower:.4g} to {value.upper:.4g}"
    return f"{value.value:>10.4g}  {interval:<22} n={value.n:,}"


def _anomalies(view: ReportView) -> Iterator[str]:
    open_now = [a for a in view.anomalies if not a.cleared]
    cleared = sorted(
        (a for a in view.anomalies if a.cleared), key=lambda a: a.updated, reverse=True
    )
    if not open_now and not cleared:
        return
    yield f"anomalies: {len(open_now)} open, {len(cleared)} cleared"
    for anomaly in [*open_now, *cleared[:MOST_CLEARED]]:
        yield _anomaly(anomaly)
    if len(cleared) > MOST_CLEARED:
        yield f"  and {len(cleared) - MOST_CLEARED} more that cleared earlier"
    steps = dict.fromkeys(a.next_step for a in open_now if a.next_step)
    yield from (f"  - {step}" for step in steps)
    yield ""


def _anomaly(anomaly: Anomaly) -> str:
    phase = "cleared" if anomaly.cleared else "since"
    at = anomaly.updated if anomaly.cleared else anomaly.since
    return f"  {anomaly.severity!s:<6} {phase:<7} {_clock(at)}  {anomaly.sentence}"


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
