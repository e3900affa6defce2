"""Gates: whether a model is good enough to be registered."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from examined import examined, quick
from timonel.config import Config
from timonel.errors import BadInput
from timonel_components.evaluation.gates import GateReport, judge_gates
from timonel_components.evaluation.result import Challenge, Estimate, Evaluation
from timonel_components.validate import validate


def found(challenge: Challenge | None = None, **metrics: Estimate) -> Evaluation:
    """A real evaluation with some of its figures replaced."""
    real = examined().evaluation
    return real.model_copy(update={"metrics": real.metrics | metrics, "challenge": challenge})


def gated(**gate: Any) -> Config:
    """Settings with one gate."""
    return quick("accidents", evaluation={"gates": [gate]})


def against(name: str, **difference: Any) -> Challenge:
    """A champion that differs in one metric."""
    one = {name: Estimate(**difference)}
    return Challenge(version="abc", rows=10, champion={}, difference=one)


def verdict(evaluation: Evaluation, **gate: Any) -> bool:
    """Whether one gate holds."""
    return judge_gates(evaluation, gated(**gate)).passed


@pytest.mark.parametrize(("bound", "passed"), [(0.70, True), (0.71, False), (0.75, False)])
def test_at_least_asks_the_lower_end(bound: float, passed: bool) -> None:
    """A value above the bound is not enough: the interval's lower end must reach it."""
    evaluation = found(roc_auc=Estimate(value=0.75, low=0.70, high=0.80))
    assert verdict(evaluation, metric="roc_auc", at_least=bound) is passed


@pytest.mark.parametrize(("bound", "passed"), [(0.25, True), (0.24, False), (0.2, False)])
def test_at_most_asks_the_upper_end(bound: float, passed: bool) -> None:
    """A value below the bound is not enough: the interval's upper end must not pass it."""
    evaluation = found(brier=Estimate(value=0.2, low=0.15, high=0.25))
    assert verdict(evaluation, metric="brier", at_most=bound) is passed


@pytest.mark.parametrize("condition", ["at_least", "at_most", "max_loss_to_champion"])
def test_an_undefined_metric_never_passes(condition: str) -> None:
    """Whatever the bound, no value is no pass, and the reason is told."""
    nothing = {"value": None, "reason": "no row reaches the threshold"}
    evaluation = found(against("precision", **nothing), precision=Estimate(**nothing))
    bound = {"at_least": 0.0, "at_most": 1e9, "max_loss_to_champion": 1e9}[condition]
    report = judge_gates(evaluation, gated(metric="precision", **{condition: bound}))
    assert not report.passed
    assert "no row reaches the threshold" in report.failures[0].actual


@pytest.mark.parametrize(
    ("metric", "low", "high", "margin", "passed"),
    [
        ("roc_auc", -0.02, 0.01, 0.02, True),
        ("roc_auc", -0.03, 0.01, 0.02, False),
        ("log_loss", -0.01, 0.02, 0.02, True),
        ("log_loss", -0.01, 0.03, 0.02, False),
    ],
)
def test_loss_to_the_champion_asks_the_bad_end_of_the_difference(
    metric: str, low: float, high: float, margin: float, passed: bool
) -> None:
    """For metrics that should be high the lower end counts, for those that should be low the upper."""
    evaluation = found(against(metric, value=0.0, low=low, high=high))
    assert verdict(evaluation, metric=metric, max_loss_to_champion=margin) is passed


def test_without_a_champion_there_is_nothing_to_lose() -> None:
    """The first model of its name passes, and the report says why."""
    report = judge_gates(found(), gated(metric="pr_auc", max_loss_to_champion=0))
    assert report.passed
    assert report.results[0].actual == "there is no champion yet"


def test_one_failing_gate_fails_all_and_is_named_with_numbers() -> None:
    """The verdict carries what was asked and what was found."""
    evaluation = found(roc_auc=Estimate(value=0.75, low=0.7, high=0.8))
    config = quick(
        "accidents",
        evaluation={
            "gates": [
                {"metric": "roc_auc", "at_least": 0.5},
                {"metric": "roc_auc", "at_least": 0.9},
            ]
        },
    )
    report = judge_gates(evaluation, config)
    assert not report.passed
    assert [str(f) for f in report.failures] == [
        "roc_auc: 0.75 (0.7 to 0.8), expected lower end at least 0.9"
    ]


def test_a_gate_on_latency_is_judged_as_any_other() -> None:
    """The measured latency stands among the metrics."""
    assert verdict(examined().evaluation, metric="latency_p95_ms", at_most=1000)
    assert not verdict(examined().evaluation, metric="latency_p95_ms", at_most=0)


def test_a_gate_on_an_unknown_metric_is_refused() -> None:
    """It does not pass and does not fail: the setting is wrong, and the known metrics are listed."""
    with pytest.raises(BadInput, match="names the metric auroc") as error:
        judge_gates(found(), gated(metric="auroc", at_least=0.5))
    assert "roc_auc" in str(error.value)


@pytest.mark.parametrize(
    ("gate", "why"),
    [
        ({"metric": "auroc", "at_least": 0.5}, "which this model does not have"),
        ({"metric": "alert_rate", "max_loss_to_champion": 0.1}, "cannot be compared"),
        ({"metric": "latency_p95_ms", "max_loss_to_champion": 1}, "cannot be compared"),
    ],
)
def test_impossible_gates_and_slices_are_refused_before_training(
    gate: dict[str, Any], why: str, accidents: pa.Table
) -> None:
    """The table's validation reads them too: a misspelt metric does not cost a training."""
    with pytest.raises(BadInput, match=why):
        validate(accidents, gated(**gate))
    with pytest.raises(BadInput, match=r"evaluation\.slices names the column colour"):
        validate(accidents, quick("accidents", evaluation={"slices": ["colour"]}))


def test_a_report_is_kept_as_json(tmp_path: Path) -> None:
    """What was saved is what is loaded."""
    report = judge_gates(found(), gated(metric="pr_auc", at_least=0.99))
    report.save(tmp_path / "gates.json")
    assert GateReport.load(tmp_path / "gates.json") == report
