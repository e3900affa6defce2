"""What the page shows, as plain data: fill it from a monitor, or by hand."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from timonel.anomalies import Anomaly
from timonel.performance.value import Measured


@dataclass(frozen=True, slots=True)
class Point:
    """A metric of the window [start, end)."""

    start: datetime
    end: datetime
    value: Measured


@dataclass(frozen=True, slots=True)
class Line:
    """A metric in time; windows without a value, and windows that are missing, are gaps."""

    name: str
    points: tuple[Point, ...]
    assumption: str = ""
    """What an estimate rests on; a line with an assumption is dashed and the legend says it."""


@dataclass(frozen=True, slots=True)
class BandPoint:
    """Where a healthy window [start, end) lies."""

    start: datetime
    end: datetime
    expected: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines on one scale; `metric` names the unit and how numbers are written."""

    title: str
    metric: str
    lines: tuple[Line, ...]
    baseline: tuple[BandPoint, ...] = ()
    immature_from: datetime | None = None
    """From here on too few labels have arrived."""
    why_empty: str = ""
    """What is missing and what would bring it, if no line has a value."""


@dataclass(frozen=True, slots=True)
class DriftRow:
    """A feature's drift, window by window."""

    feature: str
    effects: tuple[float | None, ...]
    """In standard deviations for numbers, twice the total variation for categories; None: no data."""
    importance: float | None = None
    """Of the feature for the model, between 0 and 1, if known."""
    category: bool = False


@dataclass(frozen=True, slots=True)
class Drift:
    """Drift of all features on one grid of windows."""

    starts: tuple[datetime, ...]
    end: datetime
    rows: tuple[DriftRow, ...]
    gates: tuple[float, float, float] = (0.1, 0.2, 0.5)
    """From here on an effect is worth a remark, a ticket, a page."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """A feature's values in the reference and now, as shares of the rows."""

    feature: str
    labels: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    n_reference: int
    n_current: int
    effect: float | None
    unit: str = "sd"
    """sd for a number, TV (total variation) for a category."""
    since: datetime | None = None


class EventKind(StrEnum):
    """What happened to the model, apart from anomalies."""

    DEPLOYED = "deployed"
    RETRAINED = "retrained"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that people did."""

    at: datetime
    kind: EventKind
    text: str


@dataclass(frozen=True, slots=True)
class Violation:
    """What was wrong with a column's values in the time shown."""

    column: str
    what: str
    rows: int
    of: int
    last: datetime | None = None
    """End of the newest window with such a row."""
    usual: float | None = None
    """Share of such rows in the reference."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version in service, with its figures by metric."""

    name: str
    n: int
    share: float
    metrics: tuple[tuple[str, Measured], ...]


@dataclass(frozen=True, slots=True)
class Arrival:
    """How old predictions are when their labels arrive."""

    hours: tuple[float, ...]
    share: tuple[float, ...]
    maturity_hours: float | None
    n: int
    labelled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """A model over [start, end): all that the page shows."""

    model: str
    start: datetime
    end: datetime
    n: int
    n_labelled: int
    newest: datetime | None = None
    """Time of the newest prediction; None: there has never been one."""
    learning: str = ""
    """How far learning is, such as "1,200 of 2,000 rows, 9 of 24 h"; empty: a baseline is known."""
    reference: str = ""
    """What the baseline is."""
    anomalies: tuple[Anomaly, ...] = ()
    """Open ones and those that cleared in the time shown."""
    events: tuple[Event, ...] = ()
    performance: tuple[Chart, ...] = ()
    service: tuple[Chart, ...] = ()
    quality: tuple[Chart, ...] = ()
    """How many rows break the data contract."""
    drift: Drift | None = None
    histograms: tuple[Histogram, ...] = ()
    violations: tuple[Violation, ...] = ()
    versions: tuple[Version, ...] = ()
    arrival: Arrival | None = None
    notes: tuple[str, ...] = ()
    """What a reader should know before using the figures."""
