"""The life of an anomaly, and what is never one."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from timonel.anomalies import (
    ANYWHERE,
    TRAFFIC,
    TRAITS,
    Anomaly,
    Gate,
    Kind,
    Phase,
    Reading,
    Severity,
    Trait,
    Watch,
    WatchConfig,
    Where,
    Worse,
    ranked,
)
from timonel.anomalies.traits import family_of
from timonel.anomalies.words import name_of
from timonel.errors import BadInput
from timonel.performance.intervals import wilson
from timonel.performance.packs.service import ServicePack
from timonel.performance.value import Measured, State

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROWS = 1000


def share(value: float, n: int = ROWS) -> Measured:
    """A share of n rows with its interval."""
    return Measured(value, *wilson(value, value * (1 - value) / n, n), n)


def at(hour: int, value: Measured, metric: str = "null_rate", where: Where = ANYWHERE) -> Reading:
    """The reading of one hour."""
    return Reading(START + hour * HOUR, START + (hour + 1) * HOUR, metric, value, where)


def taught(metric: str = "null_rate", hours: int = 200, rate: float = 0.002) -> Watch:
    """A watch that knows healthy hours of a rate."""
    rng = np.random.default_rng(0)
    watch = Watch()
    for hour in range(hours):
        events = int(rng.binomial(ROWS, rate))
        assert not watch.update([at(hour, share(events / ROWS), metric)])
    return watch


def told(
    watch: Watch, values: Iterable[Measured], first: int = 200, metric: str = "null_rate"
) -> list[Anomaly]:
    """What the watch tells of hours in a row."""
    return [
        anomaly
        for hour, value in enumerate(values, first)
        for anomaly in watch.update([at(hour, value, metric)])
    ]


def test_one_episode_opens_worsens_and_clears() -> None:
    """One anomaly an episode: told when it opens, when it is worse, and once when it is over."""
    found = told(taught(), [share(x) for x in (0.015, 0.016, 0.05, 0.05, 0.001, 0.001, 0.002)])
    assert [(a.phase, a.severity) for a in found] == [
        (Phase.OPEN, Severity.TICKET),
        (Phase.WORSE, Severity.PAGE),
        (Phase.CLEARED, Severity.PAGE),
    ]
    assert {a.since for a in found} == {START + 200 * HOUR}
    assert found[-1].updated == START + 206 * HOUR
    assert found[0].expected == pytest.approx(0.002, abs=0.0005)
    assert found[0].baseline is not None
    assert found[0].baseline[1] < 0.015


def test_one_window_back_does_not_clear() -> None:
    """An episode that pauses for one window is the same episode."""
    watch = taught()
    found = told(watch, [share(x) for x in (0.03, 0.001, 0.03, 0.001, 0.03)])
    assert [a.phase for a in found] == [Phase.OPEN]
    assert [a.since for a in watch.open] == [START + 200 * HOUR]


def test_windows_of_few_rows_do_not_part_an_episode() -> None:
    """One null of 70 fits health and fits 5 %: two of them in a row end nothing, zero of many do."""
    rng = np.random.default_rng(6)
    watch = Watch()
    for hour in range(200):
        watch.update([at(hour, share(rng.binomial(70, 0.001) / 70, 70))])
    found = told(watch, [share(rng.binomial(70, 0.05) / 70, 70) for _ in range(300)])
    assert [a.phase for a in found if a.phase is not Phase.WORSE] == [Phase.OPEN]
    found = told(watch, [share(rng.binomial(70, 0.001) / 70, 70) for _ in range(8)], 500)
    assert [a.phase for a in found] == [Phase.CLEARED]


@pytest.mark.parametrize("state", [State.TOO_FEW, State.IMMATURE, State.NO_DATA, State.UNDEFINED])
def test_a_reading_without_a_value_is_neither_an_anomaly_nor_a_pass(state: State) -> None:
    """It opens nothing and clears nothing."""
    watch = taught()
    assert not told(watch, [Measured.absent(state)])
    assert [a.phase for a in told(watch, [share(0.03)], 201)] == [Phase.OPEN]
    assert not told(watch, [Measured.absent(state)] * 10, 202)
    assert len(watch.open) == 1


def test_a_trifle_at_a_huge_count_is_no_anomaly() -> None:
    """Ten million rows make 0.2 % against 0.25 % certain and no more interesting."""
    watch = taught()
    assert not told(watch, [share(0.0025, 10_000_000)])


def test_few_rows_are_no_proof() -> None:
    """One null of thirty rows is 3 %, and chance."""
    assert not told(taught(), [share(1 / 30, 30)])


def test_better_is_no_anomaly_unless_both_ways_are_worse() -> None:
    """Fewer nulls alarm nobody; a share of positives that halves does."""
    assert not told(taught(rate=0.1), [share(0.0)])
    found = told(taught("alert_rate", rate=0.1), [share(0.01)], metric="alert_rate")
    assert [(a.what, a.severity) for a in found] == [("alert_rate", Severity.TICKET)]


def test_latency_is_judged_by_factors() -> None:
    """+40 % is a ticket, twice as slow a page, 10 % nothing."""
    rng = np.random.default_rng(1)
    for factor, severity in ((1.1, None), (1.4, Severity.TICKET), (2.0, Severity.PAGE)):
        watch = Watch()
        for hour in range(200):
            usual = Measured(float(50 * np.exp(rng.normal(0, 0.03))), n=ROWS)
            assert not watch.update([at(hour, usual, "p95_latency_ms")])
        found = watch.update([at(200, Measured(50 * factor, n=ROWS), "p95_latency_ms")])
        assert [a.severity for a in found] == ([severity] if severity else [])


def test_until_a_day_is_known_the_watch_learns() -> None:
    """No verdict without a baseline, and it says so."""
    watch = Watch()
    for hour in range(20):
        assert not watch.update([at(hour, share(0.9 if hour == 10 else 0.0))])
    assert watch.learning == [("null_rate", ANYWHERE)]
    assert watch.band(at(21, share(0.0))) is None


def test_an_incident_in_the_first_days_does_not_become_the_baseline() -> None:
    """Readings far from the rest belong to no stable stretch."""
    watch = Watch()
    for hour in range(200):
        watch.update([at(hour, share(0.5 if 10 <= hour < 16 else 0.0))])
    found = told(watch, [share(0.03)])
    assert [a.severity for a in found] == [Severity.PAGE]
    assert found[0].expected == pytest.approx(0, abs=1e-3)


def test_a_slow_change_cannot_become_the_baseline() -> None:
    """Learning ends after eight weeks: half a percent more each month is found, not absorbed."""
    watch = Watch()
    rng = np.random.default_rng(2)
    phases = []
    for hour in range(24 * 200):
        rate = 0.02 * (1 + hour / (24 * 60))
        phases += [
            a.phase for a in watch.update([at(hour, share(rng.binomial(ROWS, rate) / ROWS))])
        ]
    assert Phase.OPEN in phases
    assert watch.open


def test_a_reference_is_judged_against_from_the_first_window_on() -> None:
    """With the reference's figure there is nothing to learn first."""
    watch = Watch(references={("accuracy", ANYWHERE): share(0.9, 5000)})
    assert not watch.update([at(0, share(0.895), "accuracy")])
    found = watch.update([at(1, share(0.8), "accuracy")])
    assert [a.severity for a in found] == [Severity.PAGE]
    assert "reference" in found[0].evidence[1].text


def test_a_seasonal_hour_is_compared_with_its_own() -> None:
    """After two weeks a night's rate at noon is abnormal, and at night it is not."""
    watch = Watch()
    rng = np.random.default_rng(3)

    def rate(hour: int) -> float:
        return 0.3 if hour % 24 < 6 else 0.05

    for hour in range(24 * 21):
        reading = share(rng.binomial(ROWS, rate(hour)) / ROWS)
        assert not watch.update([at(hour, reading, "alert_rate")])
    first = 24 * 21
    assert not watch.update([at(first + 2, share(0.3), "alert_rate")])
    assert watch.update([at(first + 12, share(0.3), "alert_rate")])


def test_a_longer_window_sees_a_small_change_and_clears_with_the_shorter_one() -> None:
    """One episode for all window lengths; the shortest one that saw it decides when it is over."""
    watch = taught()
    hour = 200
    for offset in range(4):
        found = watch.update([at(hour + offset, share(0.05))])
    six = Reading(START + 198 * HOUR, START + 204 * HOUR, "null_rate", share(0.035, 6 * ROWS))
    assert not watch.update([six])
    found = told(watch, [share(0.002)] * 2, 204)
    assert [a.phase for a in found] == [Phase.CLEARED]
    assert not watch.update(
        [Reading(START + 200 * HOUR, START + 206 * HOUR, "null_rate", share(0.033, 6 * ROWS))]
    )


def test_traffic_that_stops_is_an_anomaly_of_its_own() -> None:
    """Nights without rows are learnt; silence at noon is a page, over with the traffic's return."""
    watch = Watch()

    def traffic(hour: int) -> Measured:
        busy = hour % 24 >= 8 and (hour // 24) % 7 < 5
        return Measured(100.0, n=100) if busy else Measured.absent(State.NO_DATA)

    opened = []
    for hour in range(24 * 28):
        opened += watch.update([at(hour, traffic(hour), TRAFFIC)])
    assert not [a for a in opened if a.severity is Severity.PAGE]
    first = 24 * 28
    found = []
    for hour in range(first, first + 24):
        found += watch.update(
            [
                at(
                    hour,
                    Measured.absent(State.NO_DATA) if hour < first + 12 else traffic(hour),
                    TRAFFIC,
                )
            ]
        )
    assert [(a.what, a.phase, a.severity) for a in found] == [
        ("traffic stopped", Phase.OPEN, Severity.PAGE),
        ("traffic stopped", Phase.CLEARED, Severity.PAGE),
    ]
    assert found[0].since == START + (first + 8) * HOUR or found[0].since <= START + first * HOUR


def test_places_are_apart() -> None:
    """A slice's episode is its own, and so is its baseline."""
    watch = Watch()
    spain = Where(slice="country=ES")
    for hour in range(200):
        watch.update([at(hour, share(0.0)), at(hour, share(0.1), where=spain)])
    found = watch.update([at(200, share(0.0)), at(200, share(0.5), where=spain)])
    assert [a.where for a in found] == [spain]
    assert "country=ES" in found[0].sentence


def test_the_most_severe_comes_first() -> None:
    """Pages before tickets, what is open before what is over."""
    watch = taught("null_rate")
    errors = taught("error_rate")
    found = told(watch, [share(0.015)]) + told(errors, [share(0.2)], metric="error_rate")
    assert [a.severity for a in ranked(found)] == [Severity.PAGE, Severity.TICKET]


def test_an_anomaly_survives_json() -> None:
    """What is written is what is read."""
    (found,) = told(taught(), [share(0.03)])
    assert Anomaly.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize("stopped", [30, 205, 24 * 20])
def test_a_watch_that_was_saved_goes_on_as_if_it_had_not_stopped(stopped: int) -> None:
    """While it learns, in an episode, and with seasons known; through JSON."""
    rng = np.random.default_rng(5)
    batches = []
    for hour in range(24 * 22):
        rate = 0.05 if 203 <= hour < 208 or hour > 24 * 21 else 0.002
        empty = 24 * 18 < hour < 24 * 18 + 9
        traffic = Measured.absent(State.NO_DATA) if empty else Measured(500.0, n=500)
        batches.append(
            [at(hour, share(rng.binomial(ROWS, rate) / ROWS)), at(hour, traffic, TRAFFIC)]
        )
    one, first, second = Watch(), Watch(), Watch()
    expected = [one.update(batch) for batch in batches]
    found = [first.update(batch) for batch in batches[:stopped]]
    second.resume(json.loads(json.dumps(first.to_dict())))
    found += [second.update(batch) for batch in batches[stopped:]]
    assert found == expected
    assert len([a for told in found for a in told]) >= 5
    assert second.open == one.open


def test_own_gates_replace_the_known_ones() -> None:
    """A metric nobody knows is judged by the trait given for it."""
    own = Trait(Kind.POSITIVE, Worse.UP, page=Gate(0, 1.5))
    watch = Watch(WatchConfig(traits={"queue": own}))
    rng = np.random.default_rng(4)
    for hour in range(200):
        watch.update([at(hour, Measured(float(np.exp(rng.normal(3, 0.05))), n=ROWS), "queue")])
    (found,) = watch.update([at(200, Measured(60.0, n=ROWS), "queue")])
    assert found.severity is Severity.PAGE


def test_a_window_is_judged_once() -> None:
    """The same window again, or an older one, changes nothing."""
    watch = taught()
    assert told(watch, [share(0.03)])
    assert not told(watch, [share(0.9)], 200)
    assert not told(watch, [share(0.0)], 150)
    assert len(watch.open) == 1


def test_bad_readings_and_budgets_are_refused() -> None:
    """With the reason."""
    with pytest.raises(BadInput, match="time zone"):
        Reading(datetime(2026, 1, 1), datetime(2026, 1, 2), "null_rate", share(0.0))
    with pytest.raises(BadInput, match="not after its start"):
        Reading(START, START, "null_rate", share(0.0))
    with pytest.raises(BadInput, match="expected more than 0"):
        WatchConfig(false_alarms_a_month=0)


def test_every_figure_of_the_service_has_a_trait() -> None:
    """No figure is judged as if nobody knew it; a count of rows is not judged at all."""
    rows = {field.name: np.zeros(field.width, dtype=np.int64) for field in ServicePack().fields}
    names = ServicePack().metrics(rows, 900.0).keys() - {"n"}
    assert {TRAFFIC} < names
    assert {family_of(name) for name in names} <= TRAITS.keys()


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("null_rate[amount]", "null predictions of amount"),
        ("recall[spam]", "recall of spam"),
        ("ndcg@10", "ndcg@10"),
        ("accuracy_gap", "accuracy less its estimate"),
    ],
)
def test_metrics_have_names_that_people_read(metric: str, name: str) -> None:
    """Without underscores and brackets."""
    assert name_of(metric) == name
