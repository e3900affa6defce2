"""What `timonel canary` prints for people."""

from collections.abc import Iterable, Iterator, Sequence

from timonel.canary import Block, CanaryPlan, Decision, MetricEvidence, Traffic
from timonel.canary.simulate import Scenario
from timonel.canary.simulate.table import Rates, alone
from timonel.canary.words import number
from timonel.performance.value import Measured

MOST_ROWS = 15
"""Lines of the course of a release."""


def traffic(plan: CanaryPlan, found: Traffic) -> str:
    """What a plan needs."""
    steps = "mirrored requests" if plan.unseen else " -> ".join(f"{s} %" for s in plan.steps)
    lines = [
        f"{found.blocks:,} of at most {found.max_blocks:,} blocks and {found.canary_requests:,} requests of "
        f"the canary promote one that is as good, with {found.power:.0%} probability ({steps})",
        "",
        *_table(
            ("metric", "base rate", "promote after", "twice as bad found after"),
            [
                (
                    m.metric,
                    f"{m.base_rate:.4g}",
                    _blocks(m.promote_blocks, m.promote_requests),
                    _blocks(m.harm_blocks, m.harm_requests),
                )
                for m in found.metrics
            ],
        ),
    ]
    if found.not_planned:
        lines.append(f"not foretold: {', '.join(found.not_planned)}, which depend on labels")
    return "\n".join(lines)


def decision(found: Decision) -> str:
    """A verdict with its reasons and numbers."""
    head = f"{found.verdict.value.upper()}  after {found.blocks:,} of {found.max_blocks:,} blocks, "
    head += f"{found.canary_requests:,} requests of the canary"
    if not found.final:
        head += f"; its traffic: {found.weight} %"
    rows = [_evidence(m) for m in found.metrics.values()]
    columns = ("metric", "champion", "canary", "difference", "harm", "safety")
    return "\n".join([head, *(f"  {r}" for r in found.reasons), "", *_table(columns, rows)])


def course(decisions: Sequence[tuple[Block, Decision]]) -> str:
    """How the evidence came about, and the verdict."""
    last = decisions[-1][1]
    every = max(1, -(-len(decisions) // MOST_ROWS))
    shown = [d for i, d in enumerate(decisions, start=1) if i % every == 0 or i == len(decisions)]
    names = [n for n, m in last.metrics.items() if m.e_harm is not None or m.e_safe is not None]
    header = ("block", "until", "traffic", *names)
    rows = [
        (
            f"{d.blocks:,}",
            f"{block.end:%Y-%m-%d %H:%M}",
            f"{d.weight} %",
            *(f"{number(m.e_harm)} / {number(m.e_safe)}" for m in (d.metrics[n] for n in names)),
        )
        for block, d in shown
    ]
    bars = [
        f"{n} {number(m.harm_bar)} / {number(m.safe_bar)}"
        for n, m in last.metrics.items()
        if n in names
    ]
    note = "evidence of harm / of safety; what suffices: " + ", ".join(bars)
    return "\n".join([*_table(header, rows), note, "", decision(last)])


def simulated(plan: CanaryPlan, scenario: Scenario, harm: float, found: Iterable[Rates]) -> str:
    """The judge next to the common rules."""
    metric = alone(plan).metrics[0]
    head = (
        f"{metric.name}: base rate {scenario.base_rate:g}, {scenario.requests:,.0f} requests a block, "
        f"{100 * scenario.share:g} % to the canary, {scenario.blocks:,} looks"
    )
    rows = [
        (
            r.rule,
            _percent(r.false_rollback),
            _percent(r.detected),
            "-" if r.median_delay is None else f"{r.median_delay}",
            _percent(r.promoted),
            _percent(r.promoted_worse),
        )
        for r in found
    ]
    columns = (
        "rule",
        "equal: rolled back %",
        f"x{harm:g}: rolled back %",
        "median block",
        "equal: promoted %",
        "at the margin: promoted %",
    )
    return "\n".join([head, "", *_table(columns, rows)])


def _evidence(m: MetricEvidence) -> tuple[str, ...]:
    def of(e: float | None, bar: float | None) -> str:
        return "-" if e is None else number(e) + ("" if bar is None else f" of {number(bar)}")

    shares = (_share(m.stable), _share(m.canary), _share(m.difference, "+"))
    return (m.name, *shares, of(m.e_harm, m.harm_bar), of(m.e_safe, m.safe_bar))


def _share(m: Measured, sign: str = "") -> str:
    if m.value is None:
        return str(m.state)
    if m.lower is None or m.upper is None:
        return f"{m.value:{sign}.4g}"
    return f"{m.value:{sign}.4f} ({m.lower:{sign}.4f} to {m.upper:{sign}.4f})"


def _percent(m: Measured | None) -> str:
    if m is None or m.value is None or m.lower is None or m.upper is None:
        return "-"
    return f"{100 * m.value:.1f} ({100 * m.lower:.1f} to {100 * m.upper:.1f})"


def _blocks(blocks: int | None, requests: int | None) -> str:
    if blocks is None or requests is None:
        return "-"
    return f"{blocks:,} blocks ({requests:,} requests)"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        yield "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
