"""The examination of a model, on real slices of the examples."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from examined import Examined, examine, examined, quick
from slices import slice_of
from timonel.contract import FeatureReader
from timonel.errors import BadInput
from timonel.package import Package
from timonel_components.evaluate import evaluate
from timonel_components.evaluation.result import Challenge, Evaluation
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.evaluation.shapley import effects
from timonel_components.learning.scoring import encode_target, model_input, probabilities
from timonel_components.metrics.figures import metric


@pytest.fixture(scope="module")
def accidents() -> Examined:
    """A boosted model of accidents."""
    return examined()


def test_figures_are_those_of_the_test_rows(accidents: Examined) -> None:
    """Each value is the metric of the model's probabilities on all test rows."""
    batch = FeatureReader(accidents.contract).from_table(accidents.test)
    p = probabilities(accidents.trained.pipeline, batch, accidents.contract)
    y = encode_target(accidents.test, accidents.contract)
    for name in ("roc_auc", "log_loss", "brier"):
        found = accidents.evaluation.metrics[name]
        assert found.value == metric(name)(y, p, accidents.trained.info.threshold)
        assert found.low is not None
        assert found.low < found.value
    assert np.sum(accidents.evaluation.confusion) == len(y)


def test_no_figure_is_nan(accidents: Examined) -> None:
    """A figure has a value or a reason, and JSON brings it back as it was."""
    for found in accidents.evaluation.metrics.values():
        assert (found.value is None) == (found.reason is not None)
    text = accidents.evaluation.model_dump_json()
    assert "NaN" not in text
    assert Evaluation.model_validate_json(text) == accidents.evaluation


def test_the_same_model_is_examined_the_same_way_twice(accidents: Examined) -> None:
    """All but the latency repeats to the last digit."""
    a = accidents
    again = evaluate(a.trained, a.test, a.contract, a.config)
    timed = {"latency_p50_ms", "latency_p95_ms"}

    def steady(found: Evaluation) -> object:
        kept = {k: v for k, v in found.metrics.items() if k not in timed}
        return found.model_copy(update={"latency": (), "metrics": kept})

    assert steady(again) == steady(a.evaluation)


def test_groups_add_up_and_small_ones_are_named_not_judged(accidents: Examined) -> None:
    """Every row of a column is in one group; one with too few rows has no figures."""
    for column in accidents.config.evaluation.slices:
        judged = [s for s in accidents.evaluation.slices if s.column == column]
        small = [t for t in accidents.evaluation.left_out if t.startswith(f"{column} = ")]
        counted = sum(int(t.split("(")[1].split(" ")[0]) for t in small)
        assert sum(s.rows for s in judged) + counted == accidents.test.num_rows
        assert all(s.rows >= 50 for s in judged)


def test_a_slice_of_a_column_that_is_not_there_is_refused(accidents: Examined) -> None:
    """The message names the setting and the column."""
    a = accidents
    with pytest.raises(BadInput, match=r"evaluation\.slices names the column colour"):
        evaluate(
            a.trained, a.test, a.contract, quick("accidents", evaluation={"slices": ["colour"]})
        )


def test_spoilt_rows_make_the_model_worse_or_leave_it(accidents: Examined) -> None:
    """Missing values and noise are tried, each with its paired change."""
    found = {(p.name, p.metric): p for p in accidents.evaluation.robustness}
    names = {name for name, _ in found}
    assert names == {
        "5% of nullable values missing",
        "20% of nullable values missing",
        "noise of 0.1 sd on numbers",
    }
    for p in found.values():
        before = accidents.evaluation.metrics[p.metric].value
        assert p.value.value is not None
        assert p.change.value == pytest.approx(p.value.value - before)


def test_latency_is_measured_in_the_backend_that_serves(accidents: Examined) -> None:
    """Single rows and batches, in ONNX Runtime, as gates can ask for it."""
    single, batch = accidents.evaluation.latency
    assert (single.backend, single.rows, batch.rows) == ("onnx", 1, 256)
    assert single.p50_ms.value is not None
    assert single.p95_ms.value is not None
    assert 0 < single.p50_ms.value <= single.p95_ms.value < 1000
    assert accidents.evaluation.metrics["latency_p95_ms"] == single.p95_ms


@pytest.mark.parametrize("candidate", ["logistic", "boosting", "calibrated-boosting"])
def test_shap_values_add_up_to_the_models_log_odds(candidate: str) -> None:
    """The effects of a row differ from another's as their log odds do: nothing is left out."""
    a = examined("accidents", candidate)
    sample = Sample.of(a.test.slice(0, 60), a.contract)
    found = effects(Fitted(a.trained.pipeline, a.contract, None, a.config), sample)
    assert found.signed is not None
    total, expected = found.signed.sum(axis=1), _log_odds(a, sample)
    assert total - total.mean() == pytest.approx(expected - expected.mean(), abs=1e-4)


def _log_odds(a: Examined, sample: Sample) -> Any:
    x = a.trained.pipeline[:-1].transform(model_input(sample.batch, a.contract))
    model = a.trained.pipeline[-1]
    parts = [c.estimator for c in getattr(model, "calibrated_classifiers_", [])] or [model]
    return np.mean([part.decision_function(x) for part in parts], axis=0)


def test_a_feature_that_decides_alone_is_the_most_important() -> None:
    """A column that is nearly the target tops both lists; the others rest on nothing."""
    table = slice_of("accidents", 1500)
    hidden = np.random.default_rng(0).random(table.num_rows) * 0.9
    leak = table["severe"].to_numpy() + hidden
    features = ["humidity_pct", "leak", "season"]
    config = quick("accidents", data={"features": features, "categorical": []})
    found = examine(table.append_column("leak", pa.array(leak)), config).evaluation.explanation
    assert found is not None
    assert found.importances[0].feature == "leak"
    assert found.importances[0].permutation > 0.1
    assert max(found.importances, key=lambda i: i.shap or 0).feature == "leak"
    assert all(abs(i.permutation) < 0.05 for i in found.importances[1:])


def test_a_text_model_is_explained_by_its_words() -> None:
    """The words are those of the vocabulary, with effects in both directions."""
    found = examined("spam", "tfidf-logistic", 600).evaluation
    assert found.explanation is not None
    vocabulary = examined("spam", "tfidf-logistic", 600).trained.pipeline[0].vocabulary_
    assert all(i.feature in vocabulary for i in found.explanation.importances)
    sizes = [i.shap or 0 for i in found.explanation.importances]
    assert sizes == sorted(sizes, reverse=True)
    assert found.backend == "skops"
    assert "predicts otherwise" in str(found.backend_reason)


def test_entities_are_resampled_whole() -> None:
    """With data.entity set, the result says so and intervals are of households."""
    found = examined("employment", "logistic", 3000).evaluation
    assert found.resampled == "all rows of a household_id"


def test_three_classes_or_more_are_examined_class_by_class() -> None:
    """Macro figures, recall of each class, a curve each, and no threshold."""
    config = quick(
        "accidents",
        model={"name": "seasons", "task": "multiclass"},
        data={
            "target": "season",
            "positive": None,
            "drop": ["severe", "occurred_at"],
            "time": None,
        },
        evaluation={"slices": ["twilight"]},
    )
    found = examine(slice_of("accidents", 3000), config).evaluation
    assert found.threshold is None
    assert set(found.per_class) == set(found.roc) == set(found.classes)
    assert len(found.classes) == 4
    recalls = [figures["recall"].value for figures in found.per_class.values()]
    assert found.metrics["recall"].value == pytest.approx(np.mean([r or 0 for r in recalls]))
    assert "cost" not in found.metrics
    assert found.backend == "onnx"


def test_the_champion_is_compared_on_the_same_rows(accidents: Examined, tmp_path: Path) -> None:
    """A model against itself differs by nothing, and has the champion's very figures."""
    found = _challenge(accidents, accidents.package(tmp_path / "same"))
    assert found.difference["roc_auc"].value == pytest.approx(0, abs=1e-12)
    assert found.champion["roc_auc"] == accidents.evaluation.metrics["roc_auc"]


def test_a_champion_of_other_columns_still_scores_the_rows(
    accidents: Examined, tmp_path: Path
) -> None:
    """Each model reads the rows by its own contract; the difference is new less old."""
    blind = quick("accidents", data={"features": ["visibility_mi"], "categorical": []})
    weak = examine(slice_of("accidents", 3000), blind, "logistic")
    found = _challenge(accidents, weak.package(tmp_path / "weak"))
    ours, theirs = accidents.evaluation.metrics["log_loss"], weak.evaluation.metrics["log_loss"]
    assert ours.value is not None
    assert theirs.value is not None
    assert found.difference["log_loss"].value == pytest.approx(ours.value - theirs.value)


def test_a_champion_of_other_classes_is_no_comparison(accidents: Examined, tmp_path: Path) -> None:
    """The differences are undefined and say why; a gate on them will not pass."""
    config = quick(
        "accidents",
        data={"target": "twilight", "positive": "Night", "drop": ["severe"]},
        evaluation={"slices": []},
    )
    other = examine(slice_of("accidents", 3000), config, "logistic")
    found = _challenge(accidents, other.package(tmp_path / "other"))
    assert found.difference["roc_auc"].value is None
    assert "tells ['Day', 'Night'] apart" in found.note


def _challenge(a: Examined, champion: Package) -> Challenge:
    found = evaluate(a.trained, a.test, a.contract, a.config, champion).challenge
    assert found is not None
    return found
