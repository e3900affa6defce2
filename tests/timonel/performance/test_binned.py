"""CBPE on a histogram: as good as on the rows, and it tells when labels contradict."""

import numpy as np
import pytest

from timonel.errors import BadInput
from timonel.performance.binned import ESTIMATED, BinnedCBPE, ScoreCounts
from timonel.performance.estimate import CBPE
from timonel.performance.packs.grids import SCORE_CELLS, SCORE_WITHIN, score_codes
from timonel.performance.realised import labelled, realised
from timonel.performance.value import Measured, State

THRESHOLD = 0.213
"""Inside a cell of the grid."""
Rows = tuple[np.ndarray, np.ndarray]


def drawn(n: int, seed: int, centre: float = -1.5, stretch: float = 1.4, sd: float = 1.5) -> Rows:
    """Labels, and scores that are overconfident by `stretch` in the log-odds."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(centre, sd, n)
    label = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    return label, 1 / (1 + np.exp(-stretch * logit))


def counted(score: np.ndarray, threshold: float = THRESHOLD) -> ScoreCounts:
    """What a window keeps of them."""
    counts = np.bincount(score_codes(score), minlength=SCORE_CELLS)[:SCORE_CELLS]
    return ScoreCounts(counts, int((score >= threshold).sum()))


def shown(label: np.ndarray, score: np.ndarray) -> dict[str, Measured]:
    """What the labels show, under the monitor's names."""
    found = realised(labelled(label, score, (score >= THRESHOLD).astype(int), classes=(0, 1)))
    return {"roc_auc": found.pop("auc"), **found}


@pytest.mark.parametrize("reference", [500, 5000])
@pytest.mark.parametrize("centre", [-1.5, -0.5, -3.0])
def test_the_histogram_costs_half_a_point_at_most(reference: int, centre: float) -> None:
    """Each estimate is within .005 of CBPE on the same rows, and its interval is as wide within a tenth."""
    label, score = drawn(reference, 1)
    rows = CBPE().fit(label, score, (score >= THRESHOLD).astype(int))
    binned = BinnedCBPE(label, score, SCORE_WITHIN)
    for seed in range(2, 8):
        window = drawn(3000, seed, centre)[1]
        exact = rows.estimate(window, (window >= THRESHOLD).astype(int))
        exact["roc_auc"] = exact.pop("auc")
        for name, found in binned.estimate(counted(window)).items():
            assert found.value == pytest.approx(float(exact[name]), abs=0.005)
            width = exact[name].upper - exact[name].lower
            assert found.upper - found.lower == pytest.approx(width, rel=0.1, abs=0.002)
            assert (found.n, found.trusted) == (3000, True)
            assert found.to_dict()["assumption"] == exact[name].assumption


def test_the_interval_holds_what_the_labels_show() -> None:
    """In 95 % of 200 windows under a benign shift, within three standard errors."""
    hits = dict.fromkeys(ESTIMATED, 0)
    for seed in range(200):
        binned = BinnedCBPE(*drawn(3000, 2 * seed), SCORE_WITHIN, bootstraps=50)
        label, score = drawn(1000, 2 * seed + 1, centre=-1.0)
        truth = shown(label, score)
        for name, found in binned.estimate(counted(score)).items():
            hits[name] += found.lower <= float(truth[name]) <= found.upper
    assert {name: n / 200 for name, n in hits.items()} == pytest.approx(
        dict.fromkeys(ESTIMATED, 0.95), abs=0.047
    )


def test_a_new_threshold_is_followed() -> None:
    """The estimate takes the highest scores for the positives, as many as there are."""
    label, score = drawn(20_000, 3)
    for threshold in (0.1, 0.5, 0.8):
        found = BinnedCBPE(label, score, SCORE_WITHIN).estimate(counted(score, threshold))
        right = np.mean((score >= threshold) == label)
        assert float(found["accuracy"]) == pytest.approx(right, abs=0.005)


def test_positives_part_one_cell() -> None:
    """Of the cell that the threshold lies in, both sides are counted."""
    low, high = ScoreCounts(np.array([5, 4, 3]), 5).parted()
    assert (low.tolist(), high.tolist()) == ([5, 2, 0], [0, 2, 3])


def test_healthy_labels_do_not_contradict() -> None:
    """In 40 streams of 20 checked windows trust is lost in 10 % at most; gaps lie around 0."""
    lost, gaps = 0, []
    for stream in range(40):
        binned = BinnedCBPE(*drawn(10_000, 1000 * stream), SCORE_WITHIN)
        for window in range(1, 21):
            label, score = drawn(1000, 1000 * stream + window, centre=-2 + window / 10)
            rows, truth = counted(score), shown(label, score)
            binned.check(rows, truth)
            gaps.append(binned.gaps(rows, truth)["accuracy"])
        lost += not binned.trusted
    assert lost <= 4
    inside = [g.lower <= 0 <= g.upper for g in gaps]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


def test_a_concept_drift_takes_the_trust_away() -> None:
    """Scores that lost half their meaning: the first window contradicts, and every estimate says so."""
    binned = BinnedCBPE(*drawn(10_000, 1), SCORE_WITHIN)
    label, score = drawn(2000, 2, stretch=3.0)
    gap = binned.gaps(counted(score), shown(label, score))["accuracy"]
    assert gap.upper < 0
    binned.check(counted(score), shown(label, score))
    assert not binned.trusted
    for found in binned.estimate(counted(score)).values():
        assert not found.trusted
        assert "contradicted by matured labels" in found.assumption


def test_few_rows_are_neither_compared_nor_checked() -> None:
    """Where the rarer kind has fewer than 20 rows there is no gap; without a row no estimate."""
    binned = BinnedCBPE(*drawn(10_000, 1), SCORE_WITHIN)
    label, score = drawn(60, 2)
    gaps = binned.gaps(counted(score), shown(label, score))
    assert gaps["accuracy"].state is State.TOO_FEW
    empty = binned.estimate(counted(score[:0]))
    assert {found.state for found in empty.values()} == {State.NO_DATA}


def test_a_reference_that_is_too_small() -> None:
    """It says what is needed."""
    with pytest.raises(BadInput, match="at least 100"):
        BinnedCBPE(*drawn(60, 1), SCORE_WITHIN)
