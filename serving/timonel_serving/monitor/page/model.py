"""All that the page of a model shows, as its template takes it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from timonel.anomalies.words import clock, percent
from timonel.monitor.report.histogram import histogram
from timonel.monitor.report.markup import Markup
from timonel.monitor.report.parts import labels, quality, versions
from timonel.monitor.report.scale import TimeScale
from timonel.monitor.report.view import Drift, ReportView
from timonel.monitor.standing import Standing
from timonel_serving.monitor.models.station import Watched
from timonel_serving.monitor.page.asked import Asked
from timonel_serving.monitor.page.series import Figure, axis, figure
from timonel_serving.monitor.page.strips import happened, heat, marks
from timonel_serving.monitor.served.standing import Serves, ServingState

TABLES_OF = ("performance", "service", "quality")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Compared:
    """A feature's values of some window, beside the reference."""

    feature: str
    window: str
    picture: Markup


def model_page(watched: Watched, view: ReportView, asked: Asked) -> dict[str, Any]:
    """The template's variables."""
    readings, time = watched.readings(), TimeScale(view.start, view.end)
    charts = {name: [figure(i, c) for i, c in enumerate(getattr(view, name))] for name in TABLES_OF}
    standing = readings.standing
    return {
        "name": watched.name,
        "view": view,
        "asked": asked,
        "health": watched.health(),
        "judged": datetime.fromtimestamp(readings.at, UTC),
        "facts": _facts(view, standing),
        "serving": _serving(watched.served.standing),
        "known_versions": standing.versions,
        "charts": charts,
        "data": _data(time, charts),
        "happened": happened(view, asked, time),
        "marks": marks(view, asked, time),
        "heat": None if view.drift is None else heat(view.drift, asked, time),
        "compared": _compared(watched, view, asked),
        "quality": quality(view.violations),
        "versions": versions(view.versions),
        "labels": labels(view),
        "label_counts": _label_counts(standing),
        "detectors": watched.detectors(),
    }


def _data(time: TimeScale, charts: dict[str, list[Figure]]) -> dict[str, Any]:
    drawn = {
        f"{name}-{found.place}": found.data
        for name, figures in charts.items()
        for found in figures
        if found.data
    }
    return {"axis": axis(time), "charts": drawn}


def _facts(view: ReportView, standing: Standing) -> tuple[tuple[str, str], ...]:
    share = standing.labels.mature_share
    return (
        ("Predictions shown", f"{view.n:,}"),
        ("Newest event", "never" if view.newest is None else f"{clock(view.newest)} UTC"),
        ("Of mature predictions, with label", percent(float(share)) if share.ok else "none yet"),
        ("Open anomalies", f"{len(standing.open):,}"),
        ("Baseline", view.reference or "being learnt"),
    )


def _serving(found: Serves) -> str:
    """Nothing where no file says what serves."""
    return "" if found.state is ServingState.UNSET else found.sentence


def _label_counts(standing: Standing) -> tuple[tuple[str, str], ...]:
    found = standing.labels
    newest = "never" if found.newest is None else f"{clock(found.newest)} UTC"
    tally = [(name.replace("_", " "), f"{n:,}") for name, n in found.counts.tally.items() if n]
    return (
        ("newest label came", newest),
        ("held for their prediction", f"{found.counts.waiting:,}"),
        *tally,
    )


def _compared(watched: Watched, view: ReportView, asked: Asked) -> Compared | None:
    """The feature asked for, or the one of most drift; of the window asked for, or of the last day."""
    drift = view.drift
    if drift is None or not view.histograms:
        return None
    feature = asked.feature or view.histograms[0].feature
    start, end = _window(drift, asked)
    found = watched.monitor.histogram(feature, start, end)
    return Compared(feature, f"{clock(start)} to {clock(end)}", histogram(found))


def _window(drift: Drift, asked: Asked) -> tuple[datetime, datetime]:
    ends = (*drift.starts[1:], drift.end)
    if asked.at is not None:
        for start, end in zip(drift.starts, ends, strict=True):
            if start <= asked.at < end:
                return start, end
    return max(drift.starts[0], drift.end - DAY), drift.end
