"""What a backtest tells on a terminal."""

from collections.abc import Sequence

from timonel.backtest import Period, Report
from timonel.backtest.report import PlayedPeriod
from timonel.backtest.watch import Alarm
from timonel.performance.value import Measured
from timonel_components.backtesting.replay import Replay

MOST_LINES = 40
"""Periods that are shown; of more, the first and the last."""
BINARY_HEAD = "cost/1,000"


def story(replay: Replay) -> str:
    """The course of a backtest in aligned figures."""
    report = replay.report
    return "\n".join([*_opening(replay), "", *_table(report), "", *_closing(report)])


def _opening(replay: Replay) -> list[str]:
    report, chosen = replay.report, replay.chosen
    settings = ", ".join(f"{name} {value:g}" for name, value in chosen.params.items())
    first, last = report.periods[0].period, report.periods[-1].period
    return [
        f"model     {chosen.candidate} ({settings})",
        f"trained   {report.first.n:,} of {replay.rows:,} rows, before {report.first.trained:%Y-%m-%d}",
        f"played    {len(report.periods):,} periods, {first.start:%Y-%m-%d} to {last.end:%Y-%m-%d},"
        f" policy {report.policy}",
    ]


def _table(report: Report) -> list[str]:
    cost = "cost" in report.summary
    columns = [f"{'period':<16}{'rows':>8}", f"{report.metric:>7} {'95 % interval':<17}"]
    if cost:
        columns.append(f"{BINARY_HEAD:>10}")
    head = "  ".join([*columns, f"{'retrained':<9}", "alarms"]).rstrip()
    return [head, *_shown([_line(played, report, cost) for played in report.periods])]


def _shown(lines: Sequence[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return list(lines)
    half = MOST_LINES // 2
    between = f"... {len(lines) - 2 * half:,} periods between: --report has all"
    return [*lines[:half], between, *lines[-half:]]


def _line(played: PlayedPeriod, report: Report, cost: bool) -> str:
    period = played.period
    cells = [
        f"{period.start:%Y-%m-%d %H:%M}{period.n:>8,}",
        _interval(played.figures[report.metric]),
    ]
    if cost:
        cells.append(_number(played.figures["cost"], 1000.0, 10))
    retrained = any(event.time == period.end for event in report.retrains)
    vetoed = any(event.time == period.end for event in report.vetoes)
    cells.append(f"{'yes' if retrained else 'vetoed' if vetoed else '':<9}")
    cells.append(", ".join(_alarm(a) for a in report.alarms if _in(a, period)))
    return "  ".join(cells).rstrip()


def _in(alarm: Alarm, period: Period) -> bool:
    return alarm.time == period.end


def _alarm(alarm: Alarm) -> str:
    n = len(alarm.columns)
    return f"{alarm.kind} ({n} column{'s' if n > 1 else ''})" if n else alarm.kind


def _interval(m: Measured) -> str:
    if m.value is None:
        return f"{m.state.value:<25}"
    return f"{m.value:>7.4f} {f'{m.lower:.3f} to {m.upper:.3f}':<17}"


def _number(m: Measured, by: float, width: int) -> str:
    return f"{'-' if m.value is None else format(m.value * by, ',.1f'):>{width}}"


def _closing(report: Report) -> list[str]:
    total, regret = report.summary[report.metric], report.regret
    lines = [
        f"overall   {report.metric} {_said(total)}",
        f"retrained {len(report.retrains):,} of {len(report.periods) - 1:,} times,"
        f" {len(report.vetoes):,} vetoes, {len(report.waits):,} waits, {len(report.alarms):,} alarms",
        f"regret    {_said(regret.value, '+')} {report.metric} worse than retraining always",
    ]
    if regret.cost_per_1000_rows is not None:
        lines.append(
            f"          {_said(regret.cost_per_1000_rows, '+', 2)} cost more per 1,000 rows"
        )
    return [*lines, f"kept      {_kept(report)}"]


def _kept(report: Report) -> str:
    if report.kept is None:
        return "nothing to keep: never is not surely worse here than retraining always"
    gain = _said(report.regret_of_never.value)
    return f"{report.kept:.0%} of the {gain} {report.metric} that always gains over never"


def _said(m: Measured, sign: str = "", digits: int = 4) -> str:
    if m.value is None:
        return m.state.value
    spec = f"{sign},.{digits}f"
    return f"{format(m.value, spec)} ({format(m.lower, spec)} to {format(m.upper, spec)})"
