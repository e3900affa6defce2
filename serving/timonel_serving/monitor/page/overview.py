"""The overview: one row a model, worst first."""

from dataclasses import dataclass

from timonel.anomalies.words import percent
from timonel.monitor.report.chart import newest_of, shown_of, sparkline
from timonel.monitor.report.markup import Markup
from timonel.monitor.report.scale import TimeScale
from timonel.monitor.report.view import Chart, ReportView
from timonel_serving.monitor.models.states import Health, HealthState
from timonel_serving.monitor.models.station import Watched

WORST = (
    *(HealthState.DEGRADED, HealthState.STALE, HealthState.NO_DATA, HealthState.WATCH),
    *(HealthState.LEARNING, HealthState.WELL),
)
MOST_VERSIONS = 4


@dataclass(frozen=True, slots=True)
class Row:
    """A model at a glance."""

    name: str
    health: Health
    view: ReportView
    versions: tuple[str, ...]
    """In service, with their share of the traffic."""
    metric: str
    """What the picture is of."""
    newest: Markup | None
    picture: Markup | None
    labelled: str


def row(watched: Watched, view: ReportView) -> Row:
    """Its row; the picture is of the first metric that has a value."""
    chart, picture = _picture(view)
    share = watched.readings().standing.labels.mature_share
    busiest = sorted((v for v in view.versions if v.n), key=lambda v: -v.share)
    names = [f"{v.name} ({percent(v.share)})" for v in busiest[:MOST_VERSIONS]]
    more = len(busiest) - len(names)
    return Row(
        name=watched.name,
        health=watched.health(),
        view=view,
        versions=(*names, *([f"{more} more"] if more else [])),
        metric="" if chart is None else chart.title,
        newest=None if chart is None else newest_of(chart, shown_of(chart)[0]),
        picture=picture,
        labelled=percent(float(share)) if share.ok else "none yet",
    )


def worst_first(rows: list[Row]) -> list[Row]:
    """What somebody should look at comes first."""
    return sorted(rows, key=lambda r: (WORST.index(r.health.state), r.name))


def _picture(view: ReportView) -> tuple[Chart | None, Markup | None]:
    time = TimeScale(view.start, view.end)
    for chart in (*view.performance, *view.service):
        found = sparkline(chart, time)
        if found is not None:
            return chart, found
    return None, None
