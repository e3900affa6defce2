"""What is judged and how: every metric of every pack has a trait or is said to have none."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from timonel.anomalies import (
    ANYWHERE,
    TRAITS,
    UNJUDGED,
    Kind,
    Reading,
    Watch,
    Worse,
    is_judged,
)
from timonel.anomalies.traits import family_of, trait_of
from timonel.performance.intervals import wilson
from timonel.performance.packs import (
    BinaryPack,
    FeaturePack,
    MulticlassPack,
    RankingPack,
    ServicePack,
    TextPack,
)
from timonel.performance.packs.pack import MetricPack
from timonel.performance.value import Measured
from timonel.reference.bins import CategoryBins, NumericBins

START = datetime(2026, 1, 5, tzinfo=UTC)
HOURS = timedelta(hours=6)
PACKS: tuple[MetricPack, ...] = (
    ServicePack(),
    BinaryPack(),
    MulticlassPack(("ham", "spam")),
    TextPack(),
    RankingPack(np.arange(50, 0, -1), np.arange(50) % 3),
    FeaturePack(
        (NumericBins.fit("x", np.arange(100.0)), CategoryBins.fit("c", {"a": 60, "b": 40}))
    ),
)


def share(hits: int, rows: int) -> Measured:
    """A share of so many rows with its interval."""
    value = hits / rows
    return Measured(value, *wilson(value, value * (1 - value) / rows, rows), rows)


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: type(pack).__name__)
def test_every_metric_is_judged_or_said_not_to_be(pack: MetricPack) -> None:
    """No metric is forgotten: each has a trait, or stands among the unjudged, and none does both."""
    names = pack.metrics({f.name: np.zeros(f.width, np.int64) for f in pack.fields}, 900.0)
    assert names
    for name in names:
        assert is_judged(name) != (family_of(name) in UNJUDGED), name


def test_the_unjudged_have_no_trait() -> None:
    """The two lists do not overlap."""
    assert not UNJUDGED & TRAITS.keys()


@pytest.mark.parametrize("metric", ["recall[spam]", "specificity", "precision", "precision_at_k"])
def test_shares_of_rows_are_counts(metric: str) -> None:
    """They are judged with the rows that they rest on; lower is worse."""
    assert (trait_of(metric).kind, trait_of(metric).worse) == (Kind.RATE, Worse.DOWN)


@pytest.mark.parametrize("metric", ["precision@10", "recall@10", "ndcg@5", "macro_f1"])
def test_means_over_lists_are_no_counts(metric: str) -> None:
    """A mean of shares varies less than a count would: it is a level."""
    assert (trait_of(metric).kind, trait_of(metric).worse) == (Kind.LEVEL, Worse.DOWN)


@pytest.mark.parametrize("metric", ["specificity", "precision"])
@pytest.mark.parametrize("learnt", [False, True])
def test_few_rows_do_not_alarm(metric: str, learnt: bool) -> None:
    """12 rows, 12 or 7 of them right, fit 88 % that many rows have shown; 40 of 120 do not."""
    watch = Watch(references={} if learnt else {(metric, ANYWHERE): share(1577, 1800)})
    rng = np.random.default_rng(0)

    def told(window: int, value: Measured) -> list[str]:
        start = START + window * HOURS
        return [a.what for a in watch.update([Reading(start, start + HOURS, metric, value)])]

    for window in range(60 if learnt else 0):
        assert not told(window, share(rng.binomial(300, 0.876), 300))
    assert not told(100, share(12, 12))
    assert not told(101, share(7, 12))
    assert told(102, share(40, 120)) == [metric]


def test_a_perfect_window_is_never_worse() -> None:
    """Of a figure whose fall is worse, 100 % of any number of rows is no anomaly."""
    watch = Watch(references={("specificity", ANYWHERE): share(1577, 1800)})
    value = Reading(START, START + HOURS, "specificity", share(5000, 5000))
    assert not watch.update([value])


def test_binary_shares_tell_their_own_rows() -> None:
    """Precision rests on the rows predicted positive, recall on the positives, specificity on the rest."""
    pack = BinaryPack()
    sums = {field.name: np.zeros(field.width, np.int64) for field in pack.fields}
    sums["binary.predicted"][1:3] = 830, 70
    # explored, actual, predicted (null, negative, positive)
    sums["binary.confusion"].reshape(2, 2, 3)[0] = [[0, 800, 20], [0, 30, 50]]
    found = pack.metrics(sums, 900.0)
    rows = {name: found[name].n for name in ("accuracy", "precision", "recall", "specificity")}
    assert rows == {"accuracy": 900, "precision": 70, "recall": 80, "specificity": 820}
