"""Parcels: what several monitors have counted adds up to what one would have counted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from timonel import ModelMonitor, MonitorConfig, Reference
from timonel.contract import DataContract
from timonel.contract.model import ColumnContract
from timonel.errors import BadInput, Corrupt
from timonel.monitor.parcel import Parcel
from timonel.performance.packs.service import Requests
from timonel.reference.catalogue import Catalogue
from timonel.terms import Task
from timonel.windows.envelope import bundle, seal, unbundle, unseal

FIRST = 1_767_571_200_000_000
HOUR, DAY = 3_600_000_000, 86_400_000_000
WORDS = [f"word{i}" for i in range(40)]


def shared(n: int, rng: np.random.Generator) -> dict[str, Any]:
    """The columns that the log of any model has: three days, two versions, some failures."""
    return {
        "prediction_id": [f"p{i}" for i in range(n)],
        "timestamp": FIRST + rng.integers(0, 3 * DAY, n),
        "latency_ms": np.round(rng.lognormal(3.5, 0.8, n), 3),
        "version": rng.choice(["1", "2"], n, p=[0.8, 0.2]),
        "status": rng.choice([200, 500, 504, 422], n, p=[0.96, 0.02, 0.01, 0.01]),
        "violations": rng.choice([0, 1], n, p=[0.98, 0.02]),
        "country": rng.choice(["ES", "FR", "PT"], n),
    }


def binary(n: int, seed: int) -> dict[str, Any]:
    """Scores, and two features of which one drifts away."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    score = 1 / (1 + np.exp(-1.5 * x))
    label = (rng.random(n) < score).astype(np.int64)
    own = {"prediction": (score >= 0.5).astype(np.int64), "score": score, "actual": label}
    table = shared(n, rng)
    return table | own | {"x": x + 2 * (table["timestamp"] > FIRST + 2 * DAY)}


def multiclass(n: int, seed: int) -> dict[str, Any]:
    """Three classes."""
    rng = np.random.default_rng(seed)
    label = rng.choice(["a", "b", "c"], n)
    guess = np.where(rng.random(n) < 0.8, label, "a")
    return shared(n, rng) | {"prediction": guess, "actual": label, "x": rng.normal(size=n)}


def ranking(n: int, seed: int) -> dict[str, Any]:
    """Lists of ten items, and the one that was chosen."""
    rng = np.random.default_rng(seed)
    lists = [[f"i{v}" for v in rng.permutation(30)[:10]] for _ in range(n)]
    chosen = [[found[int(rng.integers(0, 10))]] for found in lists]
    return shared(n, rng) | {"prediction": lists, "actual": chosen}


def text(n: int, seed: int) -> dict[str, Any]:
    """Texts of a few words, and their topic."""
    rng = np.random.default_rng(seed)
    body = [" ".join(rng.choice(WORDS, rng.integers(5, 20))) for _ in range(n)]
    label = rng.choice(["a", "b", "c"], n)
    guess = np.where(rng.random(n) < 0.8, label, "a")
    return shared(n, rng) | {"prediction": guess, "actual": label, "body": body}


def of_binary() -> Reference:
    """Labelled and scored, so that quality is estimated, too."""
    table = binary(1500, 99)
    features = {name: table[name] for name in ("x", "country")}
    own = {"predictions": table["prediction"], "scores": table["score"], "labels": table["actual"]}
    return Reference.fit(features, **own)


def of_texts() -> Reference:
    """With a vocabulary."""
    table = text(600, 99)
    contract = DataContract(
        model="mails",
        task=Task.TEXT,
        features=(ColumnContract(name="body", kind="text"),),
        target="actual",
        classes=("a", "b", "c"),
        rows=600,
    )
    columns = {"body": table["body"], "actual": table["actual"]}
    return Reference.fit(columns, contract=contract, labels="actual")


def of_lists() -> Reference:
    """With a catalogue; no feature."""
    table = ranking(400, 99)
    found = Reference.fit({"country": table["country"]}, features=("country",))
    catalogue = Catalogue.of_lists(table["prediction"])
    return replace(found, task=Task.RANKING, catalogue=catalogue)


BINARY = of_binary()
CONFIG = MonitorConfig(slices=("country",), window=timedelta(hours=1))
MODELS: dict[str, tuple[Callable[[int, int], dict[str, Any]], Reference | None, MonitorConfig]] = {
    "binary": (binary, BINARY, CONFIG),
    "multiclass": (
        multiclass,
        None,
        CONFIG.model_copy(update={"task": Task.MULTICLASS, "classes": ("a", "b", "c")}),
    ),
    "ranking": (ranking, of_lists(), CONFIG),
    "text": (text, of_texts(), CONFIG),
}


def outcomes(log: dict[str, Any], seed: int) -> pa.Table:
    """Two labels of most predictions, in any order: the later one stands, and some contradict it."""
    rng = np.random.default_rng(seed)
    n = len(log["timestamp"])
    who = rng.permutation(np.repeat(np.arange(n), 2))[: n * 3 // 2]
    from_others = np.where(rng.random(len(who)) < 0.9, who, rng.integers(0, n, len(who)))
    return pa.table(
        {
            "prediction_id": [log["prediction_id"][i] for i in who],
            "actual": [log["actual"][i] for i in from_others],
            "arrived_at": np.array(log["timestamp"])[who] + rng.integers(1, 50, len(who)) * HOUR,
        }
    )


def table_of(log: dict[str, Any], seed: int) -> pa.Table:
    """The log; a quarter of the rows have their label at once."""
    at_once = np.random.default_rng(seed).random(len(log["timestamp"])) < 0.25
    found = [a if keep else None for a, keep in zip(log["actual"], at_once, strict=True)]
    return pa.table(log | {"actual": found})


def sent(parcel: Parcel) -> Parcel:
    """As it arrives at the other side."""
    return Parcel.from_bytes(parcel.to_bytes())


def told(monitor: ModelMonitor) -> list[Any]:
    """All that a monitor says that does not depend on the order of what it learnt."""
    asked: list[dict[str, Any]] = [{}, {"version": "2"}]
    asked += [{"slice": (column, "FR")} for column in monitor.config.slices]
    found = [monitor.calculate_metrics("4d", **one).to_dict() for one in asked]
    for one in found:
        one.pop("rejected")
        if monitor.learning is not None:  # that needs rows
            one["metrics"].pop("data_drift_score", None)
            del one["warnings"]
    tally = monitor._tracker.account.pending.tally
    repeated = tally.duplicate + tally.corrected + tally.outdated + tally.conflicting
    waiting = monitor._tracker.account.pending.waiting
    sums = [tally.applied, tally.unknown, tally.dropped, repeated, waiting]
    return [*found, sums, [a.to_dict() for a in monitor.detect_anomalies()]]


@pytest.mark.parametrize("kind", list(MODELS))
@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(seed=st.integers(0, 2**32), parcels=st.integers(1, 9), labels=st.integers(0, 4))
def test_two_detectors_are_as_one_monitor(kind: str, seed: int, parcels: int, labels: int) -> None:
    """Any cut of a log, merged in any order, with labels before, between and after: the same in all."""
    log, reference, config = MODELS[kind]
    rng = np.random.default_rng(seed)
    rows = log(240, seed)
    table, late = table_of(rows, seed), outcomes(rows, seed)
    whole, merged = ModelMonitor(reference, config), ModelMonitor(reference, config)
    whole.track_batch(table)
    whole.track_labels(late)
    found = parcels_of(table, parcels, rng, reference, config)
    steps: list[Callable[[], None]] = [lambda one=one: merged.merge(one) for one in found]
    cuts = np.array_split(rng.permutation(len(late)), labels) if labels else []
    parts = [late.take(pa.array(cut)) for cut in cuts if len(cut)]
    steps += [lambda part=part: merged.track_labels(part) for part in parts]
    for i in rng.permutation(len(steps)):
        steps[i]()
    if not labels:
        merged.track_labels(late)
    assert told(merged) == told(whole)
    assert merged._tracker.account.state == whole._tracker.account.state
    if merged._tracker.features is not None and whole._tracker.features is not None:
        assert merged._tracker.features.state == whole._tracker.features.state


def parcels_of(
    table: pa.Table,
    n: int,
    rng: np.random.Generator,
    reference: Reference | None,
    config: MonitorConfig,
) -> list[Parcel]:
    """The rows in any order, dealt to two detectors, which hand over n times in all and at the end."""
    detectors = [ModelMonitor(reference, config) for _ in range(2)]
    found = []
    for rows in np.array_split(rng.permutation(len(table)), n):
        detector = detectors[int(rng.integers(0, 2))]
        detector.track_batch(table.take(pa.array(rows)))
        if rng.random() < 0.7:
            found.append(sent(detector.hand_over()))
    found += [sent(one.hand_over()) for one in detectors]
    assert sum(parcel.rows for parcel in found) == len(table)
    assert all(one.calculate_metrics(start=0).n == 0 for one in detectors)
    return found


def test_a_tracking_monitor_may_merge() -> None:
    """Rows that came here, and rows that another monitor counted, are one log."""
    table = table_of(binary(400, 1), 1)
    whole, here, there = (ModelMonitor(BINARY, CONFIG) for _ in range(3))
    whole.track_batch(table)
    here.track_batch(table.slice(0, 5))
    there.track_batch(table.slice(5, 200))
    here.merge(there.hand_over())
    here.track_batch(table.slice(205))
    assert told(here) == told(whole)


def test_a_label_finds_a_prediction_that_was_handed_over() -> None:
    """A detector that gets a label too late hands it over, too; a parcel may be merged more than once."""
    detector, merged, again = (ModelMonitor(BINARY, CONFIG) for _ in range(3))
    row = {"prediction_id": "a", "timestamp": FIRST, "score": 0.9, "features": {"x": 1.0}}
    detector.track_prediction(1, None, row)
    first = detector.hand_over()
    detector.track_label("a", 1, FIRST + HOUR)
    parcels = [detector.hand_over(), first]
    for monitor in (merged, again):
        for parcel in parcels:
            monitor.merge(parcel)
        found = monitor.calculate_metrics("1h")
        assert (found.n, found.n_labelled) == (1, 1)
        assert not found.rejected


def test_served_counts_requests_by_version() -> None:
    """For counters of a process: every request once, by its status and flags."""
    monitor = ModelMonitor(BINARY, CONFIG)
    for i, (status, latency, prediction, violations) in enumerate(
        [
            (200, 10, 1, 0),
            (200, 500, None, 2),
            (504, 900, None, 0),
            (500, 20, None, 0),
            (422, 1, None, 1),
        ]
    ):
        row = {"version": "7", "timestamp": FIRST + i, "status": status, "latency_ms": latency}
        monitor.track_prediction(prediction, None, row | {"violations": violations})
    monitor.track_prediction(1, None, {"timestamp": FIRST + DAY // 2})
    parcel = sent(monitor.hand_over())
    found = {one.version: one.requests for one in parcel.served()}
    assert found["7"] == Requests(
        n=5, ok=2, error=1, timeout=1, rejected=1, null=1, slow=2, violating=2
    )
    assert found[""].n == 1
    assert (parcel.rows, parcel.oldest, parcel.newest) == (6, FIRST, FIRST + DAY // 2)
    empty = monitor.hand_over()
    assert (empty.rows, empty.oldest, empty.newest, empty.served()) == (0, -1, -1, ())


@pytest.mark.parametrize(
    ("update", "named"),
    [
        ({"slices": ()}, r"slices is \[\], expected"),
        ({"latency_slo_ms": 250.0}, r"latency_slo_ms is 250.0, expected 100.0"),
        ({"threshold": 0.3}, r"threshold is 0.3, expected 0.5"),
        ({"classes": ("no", "yes")}, r"classes is"),
        ({"suppressed": "positive"}, r"suppressed is"),
    ],
)
def test_a_parcel_of_other_settings_is_refused(update: dict[str, Any], named: str) -> None:
    """It says which setting differs, and counts nothing of it."""
    other, monitor = (
        ModelMonitor(BINARY, CONFIG.model_copy(update=update)),
        ModelMonitor(BINARY, CONFIG),
    )
    other.track_batch(table_of(binary(50, 1), 1))
    with pytest.raises(BadInput, match=named):
        monitor.merge(sent(other.hand_over()))
    assert monitor.calculate_metrics("7d").n == 0


def test_a_parcel_of_another_reference_is_refused() -> None:
    """Bins that were drawn on other rows cannot be added up; without any nothing can be handed over."""
    columns = {"x": np.arange(300.0), "country": ["ES"] * 300}
    other = ModelMonitor(Reference.fit(columns), CONFIG)
    other.track_batch(table_of(binary(50, 1), 1))
    with pytest.raises(BadInput, match="reference is"):
        ModelMonitor(BINARY, CONFIG).merge(other.hand_over())
    with pytest.raises(BadInput, match="give a Reference"):
        ModelMonitor().hand_over()
    with pytest.raises(BadInput, match="give a Reference"):
        ModelMonitor().merge(other.hand_over())


def test_damage_is_noticed() -> None:
    """Any changed byte of a parcel is Corrupt, as are other bytes."""
    monitor = ModelMonitor(BINARY, CONFIG)
    monitor.track_batch(table_of(binary(100, 1), 1))
    data, rng = monitor.hand_over().to_bytes(), np.random.default_rng(0)
    for at in rng.integers(0, len(data), 60):
        damaged = bytearray(data)
        damaged[at] ^= 0x55
        with pytest.raises(Corrupt):
            Parcel.from_bytes(bytes(damaged))
    for other in (b"", data[:-1], monitor.save()):
        with pytest.raises(Corrupt):
            Parcel.from_bytes(other)


@pytest.mark.parametrize(
    "layout",
    [
        {"retention": 10**18, "fine": 1},
        {"retention": 10**30, "fine_span": 10**30},
        {"fields": [{"name": "service.kind", "width": 10**15, "sliced": True, "judged": False}]},
        {"fields": []},
        {"fine": 0},
        {"slices": 3},
    ],
)
def test_a_forged_layout_is_refused(layout: dict[str, Any]) -> None:
    """What was sealed anew with other sizes neither takes memory nor ends in anything but a refusal."""
    monitor = ModelMonitor(BINARY, CONFIG)
    monitor.track_batch(table_of(binary(100, 1), 1))
    header, parts = unbundle("parcel", 1, monitor.hand_over().to_bytes())
    ((head, table),) = unseal("window state", 1, parts["state"])
    forged = seal("window state", 1, head | {"layout": head["layout"] | layout}, table)
    whole = {name: part.to_batches()[0] for name, part in parts.items()} | {"state": forged}
    with pytest.raises((Corrupt, BadInput)):
        Parcel.from_bytes(bundle("parcel", 1, header, whole))


def test_a_parcel_is_small() -> None:
    """2,000 rows of 30 features take 20 bytes a row, an id of 22 characters among them."""
    rng = np.random.default_rng(0)
    features = {f"f{j}": rng.normal(size=2000) for j in range(30)}
    monitor = ModelMonitor(Reference.fit(features), MonitorConfig(task=Task.BINARY))
    ids = [f"{rng.integers(1 << 32):08x}-{i:08x}-4b1c" for i in range(2000)]
    times = FIRST + np.sort(rng.integers(0, 10_000_000, 2000))
    rows = {"prediction_id": ids, "timestamp": times, "score": rng.random(2000)}
    monitor.track_batch(rows | features)
    assert len(monitor.hand_over().to_bytes()) < 80_000


def parcel_at(time: int, rows: int = 100) -> Parcel:
    """Of the ten minutes from a time on."""
    monitor = ModelMonitor(BINARY, CONFIG)
    table = binary(rows, 1) | {"timestamp": time + np.arange(rows) * 6_000_000}
    monitor.track_batch(pa.table(table | {"prediction_id": [f"{time}-{i}" for i in range(rows)]}))
    return monitor.hand_over()


HELD = "prediction held back: its time lies far ahead"


def test_one_detector_that_runs_ahead_does_not_age_the_windows() -> None:
    """Its parcels wait while others send more; in the end they are given up, and counted."""
    monitor = ModelMonitor(BINARY, CONFIG)
    for i in range(40):
        monitor.merge(parcel_at(FIRST + i * HOUR))
        monitor.merge(parcel_at(FIRST + 400 * DAY + i * HOUR))
    found = monitor.calculate_metrics("7d")
    assert found.n == 4000
    assert found.end.timestamp() * 1e6 < FIRST + 3 * DAY
    assert found.rejected == {HELD: 3200, "timestamp lies too far ahead: given up": 800}


@pytest.mark.parametrize("days", [3, 20, 100])
def test_traffic_that_was_away_is_back_at_its_second_parcel(days: int) -> None:
    """A jump of any length is believed once another parcel lies beyond it, too."""
    monitor = ModelMonitor(BINARY, CONFIG)
    for i in range(5):
        monitor.merge(parcel_at(FIRST + i * HOUR))
    monitor.merge(parcel_at(FIRST + days * DAY))
    assert monitor.calculate_metrics("1h").rejected == {HELD: 100}
    monitor.merge(parcel_at(FIRST + days * DAY + HOUR))
    assert monitor.calculate_metrics("1d").n == 200
    assert HELD not in monitor.calculate_metrics("1d").rejected


def test_windows_wait_for_late_parcels() -> None:
    """With lateness, a parcel that comes late is judged with the others of its window; without, never."""
    short = {"window": timedelta(minutes=15), "learning_span": timedelta(hours=8)}
    alone = CONFIG.model_copy(update=short)
    found = []
    for lateness in (timedelta(0), timedelta(hours=1)):
        monitor = ModelMonitor(BINARY, alone.model_copy(update={"lateness": lateness}))
        late = [failing(FIRST + hour * HOUR) for hour in range(13, 17)]
        for hour in range(19):
            monitor.merge(parcel_at(FIRST + hour * HOUR))
            if 14 <= hour < 18:
                monitor.detect_anomalies()
                monitor.merge(late[hour - 14])
        anomalies = monitor.detect_anomalies()
        found.append(any(a.what == "error_rate" for a in anomalies))
    assert found == [False, True]


def failing(time: int) -> Parcel:
    """A hundred requests of ten minutes, all of them failed."""
    monitor = ModelMonitor(BINARY, CONFIG)
    times = time + np.arange(100) * 6_000_000
    monitor.track_batch({"prediction": [None] * 100, "timestamp": times, "status": [500] * 100})
    return monitor.hand_over()
