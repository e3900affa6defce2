"""Challenger and champion on the same real rows: what the gates say, and the golden set."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from sklearn.pipeline import Pipeline

from examined import Examined, examine, examined, quick
from slices import slice_of
from timonel.config import Config
from timonel.errors import BadInput
from timonel.package import Package
from timonel.retraining.gates import Verdict
from timonel_components.evaluate import judge
from timonel_components.evaluation.contest.golden import golden
from timonel_components.evaluation.gates import GateReport, GateResult
from timonel_components.evaluation.sample import Fitted
from timonel_components.report import gates_html, gates_markdown
from timonel_components.train import Trained
from timonel_components.validate import validate


@pytest.fixture(scope="module")
def good() -> Examined:
    """A model of employment."""
    return examined("employment", "logistic")


@pytest.fixture(scope="module")
def champion(good: Examined, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A champion that learnt from labels of which a third were wrong."""
    rows = slice_of("employment", 3000)
    name = good.config.data.target
    values = rows[name].to_pylist()
    wrong = np.random.default_rng(0).random(len(values)) < 0.35
    kinds = sorted(set(values))
    spoilt = [kinds[1 - kinds.index(v)] if w else v for v, w in zip(values, wrong, strict=True)]
    rows = rows.set_column(rows.column_names.index(name), name, pa.array(spoilt))
    worse = examine(rows, quick("employment"), "logistic")
    return worse.package(tmp_path_factory.mktemp("champion") / "package")


def held(examined: Examined, champion: Package | None, **evaluation: Any) -> GateReport:
    """The gates of a model under settings of evaluation."""
    config = quick("employment", evaluation={"challenge": {}} | evaluation)
    e = examined
    return judge(e.trained, e.evaluation, e.test, e.contract, config, champion)


def of(report: GateReport, kind: str) -> list[GateResult]:
    """The gates of a kind."""
    return [g for g in report.results if g.kind == kind]


def test_a_better_challenger_passes_with_a_sentence_for_each_gate(
    good: Examined, champion: Package
) -> None:
    """The primary metric, every group, calibration, latency, robustness: verdict, margin, interval."""
    report = held(good, champion)
    assert of(report, "superiority")[0].verdict is Verdict.HOLDS
    kinds = {"superiority", "slice", "calibration", "latency", "robustness"}
    assert {g.kind for g in report.results} == kinds
    for result in report.results:
        assert result.sentence.endswith(".")
        assert result.difference is not None
        assert result.difference.low is not None
    assert report.passed, [str(g) for g in report.failures]


def test_a_worse_challenger_fails_on_the_same_rows(
    good: Examined, champion: Package, tmp_path: Path
) -> None:
    """The other way round nothing is concluded to be better, and the pages say so."""
    config = quick("employment", evaluation={"challenge": {}})
    worse = Trained(pipeline_of(champion), good.trained.info)
    best = good.package(tmp_path / "good")
    report = judge(worse, good.evaluation, good.test, good.contract, config, best)
    assert of(report, "superiority")[0].verdict is Verdict.FAILS
    assert any(g.verdict is Verdict.FAILS for g in of(report, "slice"))
    assert not report.passed
    assert "**FAILS** superiority" in gates_markdown(report, "employment")
    assert "no alias moves" in gates_html(report, "employment")


def pipeline_of(package: Package) -> Pipeline:
    """The pipeline of a package."""
    from timonel_components.learning.skops_io import load_model

    found: Pipeline = load_model(package.path / "model.skops")
    return found


def test_a_model_is_not_superior_to_itself_and_not_inferior_either(
    good: Examined, tmp_path: Path
) -> None:
    """Superiority refuses the same model; non-inferiority lets it pass."""
    itself = good.package(tmp_path / "same")
    assert not held(good, itself).passed
    report = held(good, itself, challenge={"require": "non_inferiority"})
    assert report.passed, [str(g) for g in report.failures]


def test_a_champion_of_other_classes_leaves_nothing_to_judge_by(
    good: Examined, tmp_path: Path
) -> None:
    """The gate fails with the reason."""
    other = examined().package(tmp_path / "other")
    report = held(good, other)
    assert [g.verdict for g in report.results] == [Verdict.UNDECIDED]
    assert not report.passed


def test_without_a_champion_or_the_setting_nothing_is_compared(
    good: Examined, champion: Package
) -> None:
    """A first model has nobody to be better than."""
    assert held(good, None).results == ()
    assert held(good, champion, challenge=None).results == ()


def test_the_first_model_freezes_the_golden_set_and_later_ones_must_answer_it(
    good: Examined, champion: Package, tmp_path: Path
) -> None:
    """A model of turned labels fails it; it is never made anew."""
    path = tmp_path / "golden.parquet"
    assert held(good, None, golden=str(path)).passed
    frozen = path.read_bytes()
    turned = fitted(good, champion).pipeline
    turned[-1].coef_, turned[-1].intercept_ = -turned[-1].coef_, -turned[-1].intercept_
    result = golden(path, Fitted(turned, good.contract, 0.5, good.config))
    assert not result.passed
    assert "rows 0, 1, 2" in result.sentence
    assert path.read_bytes() == frozen
    path.unlink()
    with pytest.raises(BadInput, match="is not there"):
        held(good, champion, golden=str(path))


def fitted(good: Examined, package: Package) -> Fitted:
    """A package's model as a function of rows."""
    return Fitted(pipeline_of(package), good.contract, 0.5, good.config)


def test_a_golden_set_of_scores_holds_within_its_tolerance(
    good: Examined, champion: Package, tmp_path: Path
) -> None:
    """A CSV with score_min and score_max; an empty bound asks nothing."""
    model = Fitted(good.trained.pipeline, good.contract, 0.5, good.config)
    rows = good.test.slice(0, 4).select([c.name for c in good.contract.features])
    held_to = rows.append_column("score_min", pa.array([0.0, None, 0.0, 0.0]))
    path = tmp_path / "golden.csv"
    csv.write_csv(held_to.append_column("score_max", pa.array([1.0, 1.0, None, -0.1])), path)
    result = golden(path, model)
    assert result.actual == "1 of 4 rows otherwise (rows 3)"
    csv.write_csv(rows, path)
    with pytest.raises(BadInput, match="what is expected"):
        golden(path, model)


def test_a_metric_that_cannot_compare_is_refused_before_training(accidents: pa.Table) -> None:
    """The message names the setting."""
    config: Config = quick("accidents", evaluation={"challenge": {"metric": "base_rate"}})
    with pytest.raises(BadInput, match=r"evaluation\.challenge\.metric names the metric base_rate"):
        validate(accidents, config)
