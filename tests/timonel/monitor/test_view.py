"""The view of a monitor: any stretch of time, one version or all, with what was wrong in it."""

from datetime import timedelta

import pytest

import watched_models as models
from timonel import ModelMonitor
from timonel.errors import BadInput
from timonel.monitor.report.themes import Theme, grouped
from timonel.monitor.report.verdict import leading

DAY = timedelta(days=1)
END = models.CUT + 14 * DAY


@pytest.fixture(scope="module")
def monitor() -> ModelMonitor:
    """Two weeks, an incident at their end."""
    return models.played(models.SEED_INCIDENT)


@pytest.mark.parametrize(
    ("start", "end", "shown", "step"),
    [
        (None, None, (models.CUT, END), timedelta(hours=6)),
        (END - DAY, None, (END - DAY, END), timedelta(minutes=15)),
        (
            models.CUT + 3 * DAY,
            models.CUT + 7 * DAY,
            (models.CUT + 3 * DAY, models.CUT + 7 * DAY),
            DAY / 24,
        ),
        (models.CUT - 30 * DAY, END + 30 * DAY, (models.CUT, END), timedelta(hours=6)),
    ],
)
def test_a_stretch_of_time(
    monitor: ModelMonitor, start: object, end: object, shown: tuple[object, object], step: timedelta
) -> None:
    """In the shortest windows that leave at most 120, as far as there is anything."""
    view = monitor.view(start, end)
    assert (view.start, view.end) == shown
    point = view.performance[0].lines[0].points[0]
    assert point.end - point.start == step
    assert view.n == monitor.calculate_metrics(start=view.start, end=view.end).n
    assert all(e.at >= view.start for e in view.events)
    assert all(a.since < view.end for a in view.anomalies)


def test_one_version(monitor: ModelMonitor) -> None:
    """Its predictions alone, and what is abnormal of it or of all."""
    view = monitor.view(version="2")
    assert (
        view.n == monitor.calculate_metrics(start=view.start, end=view.end, version="2").n < 20_000
    )
    assert {a.where.version for a in view.anomalies} <= {None, "2"}
    assert monitor.view(version="nobody").n == 0


def test_a_stretch_without_predictions_has_no_charts(monitor: ModelMonitor) -> None:
    """Before the first event or after the newest; what is open is told all the same."""
    for start, end in ((END + DAY, END + 2 * DAY), (models.CUT - 2 * DAY, models.CUT - DAY)):
        view = monitor.view(start, end)
        assert (view.n, view.performance, view.drift) == (0, (), None)
        assert view.anomalies
    with pytest.raises(BadInput, match="later than its start"):
        monitor.view(END, models.CUT)


def test_a_new_version_is_an_event(monitor: ModelMonitor) -> None:
    """When it was first served; the version that was there from the start is none."""
    (event,) = monitor.view().events
    assert event.text == "version 2"
    assert timedelta(0) <= models.DEPLOYED - event.at < timedelta(minutes=30)
    assert monitor.view(END - DAY).events == ()


def test_values_a_column_should_not_have(monitor: ModelMonitor) -> None:
    """Missing values by column, beside the share in the reference."""
    (broken,) = monitor.view(END - DAY).violations
    assert (broken.column, broken.what, broken.usual) == ("f3", "missing", 0.0)
    assert broken.rows / broken.of == pytest.approx(0.2, abs=0.03)


def test_a_feature_beside_the_reference(monitor: ModelMonitor) -> None:
    """Of any stretch; a feature that is not watched is refused, and those that are named."""
    before = monitor.histogram("amount", models.CUT, models.CUT + DAY)
    after = monitor.histogram("amount")
    assert (before.effect or 0) < 0.1 < 0.3 < (after.effect or 0)
    assert sum(after.current) == pytest.approx(1)
    with pytest.raises(BadInput, match="'nobody' is not watched"):
        monitor.histogram("nobody")


def test_a_band_is_known_before_long_windows_have_learnt(monitor: ModelMonitor) -> None:
    """Then that of shorter windows is shown: the fall of accuracy lies below it."""
    accuracy = monitor.view().performance[0]
    low = {b.start: b.lower for b in accuracy.baseline}
    fallen = [
        p for p in accuracy.lines[0].points if p.value.ok and p.start >= models.ONSET - 2 * DAY
    ]
    assert low.keys() == {p.start for p in accuracy.lines[0].points if p.value.ok}
    assert float(fallen[-1].value) < low[fallen[-1].start]


def test_the_verdict_names_a_figure_that_people_know(monitor: ModelMonitor) -> None:
    """Of all that opened together: accuracy, not its gap to an estimate."""
    assert leading(monitor.standing().open).what == "accuracy"


def test_anomalies_are_grouped_by_what_they_are_about(monitor: ModelMonitor) -> None:
    """Each once; the group that began first leads among equals."""
    open_ = monitor.standing().open
    groups = grouped(open_)
    assert sorted(a.sentence for g in groups for a in g.members) == sorted(
        a.sentence for a in open_
    )
    found = {g.theme: g.lead.what for g in groups}
    assert found == {Theme.PERFORMANCE: "accuracy", Theme.DATA: "drift", Theme.SERVICE: "null_rate"}
    assert groups[0].theme is Theme.PERFORMANCE
