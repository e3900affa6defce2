"""A version made from the champion without a training: recalibrated, or with another threshold."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from examined import Examined, examined, learnt
from timonel.contract import FeatureReader
from timonel.errors import BadInput
from timonel.package import Package
from timonel.reference.classes import class_name
from timonel.retraining import Answer
from timonel_components.conversion.onnx_export import export_onnx
from timonel_components.learning.scoring import probabilities
from timonel_components.retraining.labelled import Labelled, labelled, marginals
from timonel_components.retraining.revision import revise
from timonel_components.retraining.shift import log_weights, recalibrated

START = datetime(2026, 1, 1, tzinfo=UTC)


def shifted(test: pa.Table, target: str, keep: float) -> pa.Table:
    """Rows, three times over, of which of the second class only this share is kept."""
    kinds = sorted(set(test[target].to_pylist()))
    table = pa.concat_tables([test] * 3)
    rng = np.random.default_rng(0)
    second = np.array([v == kinds[1] for v in table[target].to_pylist()])
    kept = np.flatnonzero(~second | (rng.random(len(second)) < keep))
    return table.take(pa.array(rng.permutation(kept)))


def logged(table: pa.Table, made: Examined) -> pa.Table:
    """As the ledger has them: a label's name, and a time."""
    times = [START + i * timedelta(minutes=1) for i in range(table.num_rows)]
    labels = [class_name(v) for v in table[made.contract.target].to_pylist()]
    entity = table[str(made.config.data.entity)].cast(pa.string())
    table = table.append_column("label", pa.array(labels)).append_column("entity", entity)
    return table.append_column("event_time", pa.array(times, pa.timestamp("us", "UTC")))


@pytest.fixture(scope="module")
def made() -> Examined:
    """A model of employment."""
    return examined("employment", "logistic", 6000)


@pytest.fixture(scope="module")
def champion(made: Examined, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Its package."""
    return made.package(tmp_path_factory.mktemp("champion") / "package")


@pytest.fixture(scope="module")
def rows(made: Examined) -> Labelled:
    """Rows of which the second class has become rare."""
    target = made.contract.target
    log = logged(shifted(made.test, target, 0.25), made)
    return labelled(log, made.contract, made.config)


@pytest.mark.parametrize(
    ("example", "candidate"),
    [
        ("accidents", "logistic"),
        ("accidents", "boosting"),
        ("accidents", "calibrated-boosting"),
        ("spam", "tfidf-logistic"),
        ("spam", "tfidf-svm"),
    ],
)
def test_every_candidate_is_recalibrated_and_keeps_its_order(example: str, candidate: str) -> None:
    """The mean probability becomes the share asked for, scores keep their order, ONNX can do as much."""
    model = learnt(example, candidate, 600 if example == "spam" else 3000)
    batch = FeatureReader(model.contract).from_table(model.test)
    before = probabilities(model.trained.pipeline, batch, model.contract)[:, 1]
    changed, odds = recalibrated(
        model.trained.pipeline, model.contract, batch, np.array([0.4, 0.6])
    )
    after = probabilities(changed, batch, model.contract)[:, 1]
    assert after.mean() == pytest.approx(0.6, abs=2e-4)
    assert odds[0] == 0
    ranks = (np.argsort(np.argsort(p, kind="stable")) for p in (before, after))
    # the calibrated ones are means over folds, of which each is shifted
    assert np.corrcoef(*ranks)[0, 1] > (
        0.99 if candidate.endswith(("-boosting", "-svm")) else 1 - 1e-9
    )
    assert np.allclose(probabilities(model.trained.pipeline, batch, model.contract)[:, 1], before)
    exports = [export_onnx(m, model.contract, batch) for m in (model.trained.pipeline, changed)]
    assert exports[0].backend == exports[1].backend


def test_the_weights_are_those_of_the_shift() -> None:
    """Rows drawn anew with other shares of four classes give back what was done to them."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 2, 3], 20_000)
    true = np.array([0.0, 1.0, -0.5, 0.3])
    moved = p * np.exp(true)
    found = log_weights(p, (moved / moved.sum(axis=1, keepdims=True)).mean(axis=0))
    assert np.allclose(found, true, atol=1e-6)


def test_a_recalibration_is_better_in_log_loss_and_passes_its_gates(
    made: Examined, champion: Package, rows: Labelled
) -> None:
    """On rows that it was not fitted to, with the champion's threshold."""
    found = revise(champion, Answer.RECALIBRATE, rows, made.config)
    assert found.gates.passed, [str(g) for g in found.gates.failures]
    first = found.gates.results[0]
    assert (first.kind, first.metric) == ("superiority", "log_loss")
    assert found.trained.info.threshold == champion.manifest.threshold
    p = probabilities(
        found.trained.pipeline, FeatureReader(made.contract).from_table(rows.judging), made.contract
    )
    truth = marginals(rows.judging, made.contract)
    assert np.allclose(p.mean(axis=0), truth, atol=0.03)


def test_a_moved_threshold_costs_less_and_leaves_the_scores(
    made: Examined, champion: Package, rows: Labelled
) -> None:
    """The threshold is the one that costs least on the older rows; the gate asks the newer ones."""
    found = revise(champion, Answer.MOVE_THRESHOLD, rows, made.config)
    assert found.gates.results[0].metric == "cost"
    assert found.change["from"] == champion.manifest.threshold
    assert found.change["to"] > found.change["from"]
    assert found.trained.info.threshold == found.change["to"]
    assert found.gates.passed, [str(g) for g in found.gates.failures]


def test_without_a_shift_nothing_is_better_and_nothing_passes(
    made: Examined, champion: Package
) -> None:
    """The old calibration is as good: the gates refuse to make a version for nothing."""
    log = logged(shifted(made.test, made.contract.target, 1.0), made)
    same = labelled(log, made.contract, made.config)
    assert not revise(champion, Answer.RECALIBRATE, same, made.config).gates.passed


def test_too_few_labels_are_counted_and_a_label_that_is_no_class_is_left_out(
    made: Examined,
) -> None:
    """The message says how many of which class are there."""
    log = logged(made.test.slice(0, 60), made)
    with pytest.raises(BadInput, match=r"of class .*, expected 30 at least"):
        labelled(log, made.contract, made.config)
    foreign = log.set_column(
        log.column_names.index("label"), "label", pa.array(["x"] * log.num_rows)
    )
    with pytest.raises(BadInput, match="the 0 labelled rows"):
        labelled(foreign, made.contract, made.config)


def test_a_feature_that_the_ledger_lacks_is_named(made: Examined) -> None:
    """Nothing is guessed for it."""
    log = logged(made.test, made).drop_columns([made.contract.features[0].name])
    with pytest.raises(BadInput, match=made.contract.features[0].name):
        labelled(log, made.contract, made.config)
