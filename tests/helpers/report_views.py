"""Views of a model to look at: degraded, well, learning, silent, and one whose names are hostile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from timonel.anomalies import Anomaly, Evidence, Phase, Severity, Where
from timonel.anomalies.words import next_step
from timonel.monitor.report import (
    Arrival,
    BandPoint,
    Chart,
    Drift,
    DriftRow,
    Event,
    EventKind,
    Histogram,
    Line,
    Point,
    ReportView,
    Version,
    Violation,
)
from timonel.performance.intervals import wilson
from timonel.performance.value import Measured, State

START = datetime(2026, 11, 8, tzinfo=UTC)
HOUR, DAYS = timedelta(hours=1), 7
END = START + timedelta(days=DAYS)
ONSET = START + timedelta(days=6, hours=9)
RNG = np.random.default_rng(7)


def share(p: float, n: int) -> Measured:
    """A drawn share of n rows."""
    found = float(RNG.binomial(n, p)) / n
    return Measured(found, *wilson(found, found * (1 - found) / n, n), n)


def line(name: str, values: list[Measured], step: timedelta, assumption: str = "") -> Line:
    """One value a step."""
    points = [Point(START + i * step, START + (i + 1) * step, v) for i, v in enumerate(values)]
    return Line(name, tuple(points), assumption)


def band(low: float, high: float, step: timedelta) -> tuple[BandPoint, ...]:
    """The same band all along."""
    count = timedelta(days=DAYS) // step
    return tuple(
        BandPoint(START + i * step, START + (i + 1) * step, (low + high) / 2, low, high)
        for i in range(count)
    )


def hourly(values: np.ndarray, n: int = 900) -> list[Measured]:
    """Numbers without an interval; a night without traffic is a gap."""
    return [
        Measured.absent(State.NO_DATA) if 50 <= i < 56 else Measured(float(v), n=n)
        for i, v in enumerate(values)
    ]


@cache
def degraded() -> ReportView:
    """Null predictions since a feature's unit changed."""
    hours = np.arange(24 * DAYS)
    busy = 1 + 0.2 * np.sin(2 * np.pi * (hours - 9) / 24)
    late = hours >= 24 * 6 + 9
    noise = np.exp(RNG.normal(0, 0.03, (3, len(hours))))
    latency = [
        base * busy * noise[i] * np.where(late, 1.3, 1) for i, base in enumerate((12, 27, 41))
    ]
    six = timedelta(hours=6)
    realised = [share(0.93 - 0.01 * (i % 4 == 0), 1500) for i in range(20)]
    realised += [Measured.absent(State.IMMATURE, 700)] * 8
    estimate = [share(0.93 - 0.03 * (i >= 25), 4000) for i in range(28)]
    recall = [share(0.71, 150) for _ in range(20)] + [Measured.absent(State.IMMATURE, 60)] * 8
    nulls = [share(0.041 if x else 0.001, 900) for x in late]
    errors = [share(0.002, 900) for _ in hours]
    traffic = 900 * busy * noise[0]
    return ReportView(
        model="fraud",
        start=START,
        end=END,
        n=151_204,
        n_labelled=118_411,
        newest=END - timedelta(minutes=1),
        reference="training data of version 3 (n=84,000)",
        anomalies=anomalies(),
        events=(
            Event(START + timedelta(days=1, hours=10), EventKind.DEPLOYED, "version 4 to 20 %"),
            Event(START + timedelta(days=3, hours=2), EventKind.RETRAINED, "monthly"),
            Event(START + timedelta(days=6), EventKind.LABELS, "9,120 arrived"),
        ),
        performance=(
            Chart(
                "Accuracy",
                "accuracy",
                (
                    line("realised", realised, six),
                    line("estimated by CBPE", estimate, six, "P(y|x) unchanged"),
                ),
                band(0.91, 0.95, six),
                immature_from=START + timedelta(days=5),
            ),
            Chart("Recall", "recall", (line("realised", recall, six),), band(0.62, 0.8, six)),
            Chart(
                "Share predicted positive",
                "alert_rate",
                (line("alert rate", [share(0.08, 900) for _ in hours], HOUR),),
            ),
        ),
        service=(
            Chart(
                "Latency",
                "p95_latency_ms",
                tuple(
                    line(name, hourly(values), HOUR)
                    for name, values in zip(("p50", "p95", "p99"), latency, strict=True)
                ),
            ),
            Chart(
                "Null predictions", "null_rate", (line("null", nulls, HOUR),), band(0, 0.006, HOUR)
            ),
            Chart("Errors", "error_rate", (line("errors", errors, HOUR),), band(0, 0.008, HOUR)),
            Chart(
                "Predictions an hour",
                "throughput_per_s",
                (line("predictions", hourly(traffic), HOUR),),
                band(500, 1400, HOUR),
            ),
        ),
        drift=drift(),
        histograms=histograms(),
        violations=(
            Violation("amount", "above the maximum of 5,000", 6_120, 151_204, END - HOUR),
            Violation("country", "'XK' is not among the 5 known", 41, 151_204, END - 9 * HOUR),
        ),
        versions=versions(),
        arrival=arrival(),
        notes=("12 labels were for unknown predictions and are not used.",),
    )


def anomalies() -> tuple[Anomaly, ...]:
    """Two that are open, one that is over."""
    nulls = Measured(0.041, 0.03, 0.056, 900)
    return (
        Anomaly(
            "null_rate",
            Where(),
            Severity.PAGE,
            Phase.WORSE,
            ONSET,
            END,
            nulls,
            0.0011,
            (0.0, 0.003),
            (
                Evidence(
                    "null predictions: 4.1 % from 14 Nov 23:00 to 15 Nov 00:00 (n=900)", 0.041
                ),
                Evidence("expected 0.1 %, within 0 % to 0.3 %: the same hours of 28 days", 0.0011),
            ),
            next_step("null_rate"),
        ),
        Anomaly(
            "drift",
            Where(feature="amount"),
            Severity.TICKET,
            Phase.OPEN,
            ONSET + HOUR,
            END,
            Measured(0.42, n=3600),
            0.0,
            (0.0, 0.2),
            (Evidence("amount is 0.42 from its reference over 6 h; threshold 0.2", 0.42),),
            next_step("drift"),
        ),
        Anomaly(
            "p95_latency_ms",
            Where(version="4"),
            Severity.TICKET,
            Phase.CLEARED,
            START + timedelta(days=1, hours=11),
            START + timedelta(days=1, hours=19),
            Measured(27.0, n=800),
            27.5,
            (24.0, 31.0),
            (),
            next_step("p95_latency_ms"),
        ),
    )


def drift() -> Drift:
    """Ten features by hour."""
    count = 24 * DAYS
    names = ["amount", "country", "channel", "hour", *(f"f{j}" for j in range(2, 8))]
    rows = []
    for j, name in enumerate(names):
        effects = np.abs(RNG.normal(0.02, 0.02, count))
        if j < 3:
            effects[24 * 6 + 9 :] += (0.55, 0.24, 0.12)[j]
        known = [None if 50 <= i < 56 else float(e) for i, e in enumerate(effects)]
        rows.append(
            DriftRow(name, tuple(known), round(0.3 / (j + 1), 3), name in ("country", "channel"))
        )
    return Drift(tuple(START + i * HOUR for i in range(count)), END, tuple(rows))


def histograms() -> tuple[Histogram, ...]:
    """A number and two categories."""
    edges = np.linspace(0, 300, 25)
    before = np.exp(-(((edges - 90) / 60) ** 2))
    now = np.exp(-(((edges - 130) / 70) ** 2))
    return (
        Histogram(
            "amount",
            tuple(f"{e:.0f} to {e + 12.5:.0f}" for e in edges),
            tuple(before / before.sum()),
            tuple(now / now.sum()),
            *(84_000, 3_600, 0.57, "sd", ONSET),
        ),
        Histogram(
            "country",
            ("ES", "FR", "PT", "DE", "NL", "other", "missing"),
            (0.4, 0.25, 0.2, 0.1, 0.05, 0.0, 0.0),
            (0.31, 0.22, 0.19, 0.12, 0.05, 0.09, 0.02),
            *(84_000, 3_600, 0.12, "TV", ONSET),
        ),
        Histogram(
            "channel",
            ("web", "app", "phone"),
            (0.55, 0.35, 0.1),
            (0.5, 0.37, 0.13),
            *(84_000, 3_600, 0.05, "TV", None),
        ),
    )


def versions() -> tuple[Version, ...]:
    """Two beside each other."""
    return (
        Version(
            "3",
            120_963,
            0.8,
            (
                ("accuracy", share(0.93, 90_000)),
                ("null_rate", share(0.001, 120_000)),
                ("p95_latency_ms", Measured(27.1, n=120_963)),
            ),
        ),
        Version(
            "4",
            30_241,
            0.2,
            (
                ("accuracy", Measured.absent(State.IMMATURE, 2_100)),
                ("null_rate", share(0.03, 30_000)),
                ("p95_latency_ms", Measured(31.4, n=30_241)),
            ),
        ),
    )


def arrival() -> Arrival:
    """Exponential, a day on average."""
    hours = tuple(float(h) for h in range(1, 121, 2))
    return Arrival(hours, tuple(float(1 - np.exp(-h / 24)) for h in hours), 72.0, 118_411, 118_411)


def well() -> ReportView:
    """Nothing is open."""
    seen = degraded()
    return replace(seen, anomalies=tuple(a for a in seen.anomalies if a.cleared))


def learning() -> ReportView:
    """A monitor that has only begun."""
    return ReportView(
        model="fraud",
        start=START,
        end=START + timedelta(hours=9),
        n=1_200,
        n_labelled=0,
        newest=START + timedelta(hours=9),
        learning="1,200 of 2,000 rows, 9 of 24 hours",
    )


def silent() -> ReportView:
    """A monitor that has seen nothing."""
    return ReportView(model="fraud", start=START, end=END, n=0, n_labelled=0)


def hostile(name: str) -> ReportView:
    """The degraded model, every text that data could bring replaced."""
    seen = degraded()
    assert seen.drift is not None
    return replace(
        seen,
        model=name,
        reference=name,
        anomalies=tuple(
            replace(
                a,
                what=name,
                where=Where(name, name, name),
                evidence=(Evidence(name),),
                next_step=name,
            )
            for a in seen.anomalies
        ),
        events=tuple(replace(e, text=name) for e in seen.events),
        performance=tuple(
            replace(
                c, title=name, lines=tuple(replace(x, name=name, assumption=name) for x in c.lines)
            )
            for c in seen.performance
        ),
        drift=replace(seen.drift, rows=tuple(replace(r, feature=name) for r in seen.drift.rows)),
        histograms=tuple(
            replace(h, feature=name, labels=tuple(name for _ in h.labels)) for h in seen.histograms
        ),
        violations=tuple(replace(v, column=name, what=name) for v in seen.violations),
        versions=tuple(
            replace(v, name=name, metrics=((name, v.metrics[0][1]),)) for v in seen.versions
        ),
        notes=(name,),
    )
