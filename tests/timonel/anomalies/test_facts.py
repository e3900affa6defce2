"""Facts need no statistics; drift's episodes become anomalies."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta

from timonel.anomalies import Fact, FactWatch, Found, Phase, Severity, Where, from_drift
from timonel.drift.scan.episodes import Episode
from timonel.drift.scan.pools import Scale

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
AMOUNT = Where(feature="amount")


def found(hour: int, fact: Fact, rows: int = 1, of: int = 1000) -> Found:
    """A fact of one hour."""
    return Found(START + hour * HOUR, START + (hour + 1) * HOUR, fact, AMOUNT, rows, of)


def test_a_feature_that_is_gone_pages_at_once_and_clears_after_two_windows() -> None:
    """No baseline, no probability: it is there or not; a window without rows says nothing."""
    watch = FactWatch()
    (opened,) = watch.update(START + HOUR, 1000, [found(0, Fact.FEATURE_GONE)])
    assert (opened.severity, opened.phase, opened.where) == (Severity.PAGE, Phase.OPEN, AMOUNT)
    assert opened.next_step
    assert not watch.update(START + 2 * HOUR, 1000, [found(1, Fact.FEATURE_GONE)])
    assert not watch.update(START + 3 * HOUR, 1000, [])
    assert not watch.update(START + 4 * HOUR, 0, [])
    assert watch.open
    (cleared,) = watch.update(START + 5 * HOUR, 1000, [])
    assert (cleared.phase, cleared.updated) == (Phase.CLEARED, START + 5 * HOUR)
    assert not watch.open


def test_violations_are_graded_by_their_share() -> None:
    """Few are a remark, more a ticket, many a page; the same episode gets worse."""
    watch = FactWatch()
    severities = [
        told.severity
        for hour, rows in enumerate((1, 20, 20, 200))
        for told in watch.update(
            START + (hour + 1) * HOUR, 10_000, [found(hour, Fact.VIOLATION, rows * 5, 10_000)]
        )
    ]
    assert severities == [Severity.INFO, Severity.TICKET, Severity.PAGE]


@dataclass(frozen=True)
class Drifting:
    """What is read of an episode of drift."""

    feature: str = "amount"
    state: Phase = Phase.WORSE
    severity: Severity = Severity.PAGE
    scale: Scale = field(default_factory=lambda: next(iter(Scale)))
    effect: float = 0.6
    threshold: float = 0.2
    peak: float = 0.7
    since: int = int(START.timestamp() * 1e6)
    updated: int = int((START + HOUR).timestamp() * 1e6)
    n: int = 900
    evidence: Mapping[str, float] = field(
        default_factory=lambda: {"null_share": 0.0, "null_share_reference": 0.0, "shift_sd": -0.5}
    )


def test_an_episode_of_drift_reads_like_any_anomaly() -> None:
    """Same feature, times and severity; the effect against its threshold is the number."""
    anomaly = from_drift(Drifting())
    assert (anomaly.where, anomaly.severity, anomaly.phase) == (AMOUNT, Severity.PAGE, Phase.WORSE)
    assert (anomaly.since, anomaly.updated) == (START, START + HOUR)
    assert anomaly.observed.value == 0.6
    assert anomaly.baseline == (0.0, 0.2)
    assert anomaly.sentence == "drift (feature amount) 0.6, expected 0 (0 to 0.2)"
    assert [e.number for e in anomaly.evidence] == [0.6, -0.5]


def test_the_scans_episodes_hold_all_that_is_read_of_them() -> None:
    """Field by field."""
    assert {f.name for f in fields(Drifting)} <= {f.name for f in fields(Episode)}
