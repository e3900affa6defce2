"""Decides whether a model is good enough to be registered."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from timonel.config import Config, Gate
from timonel.errors import BadInput
from timonel.files import write_text
from timonel.retraining.gates import Verdict
from timonel_components.evaluation.result import Estimate, Evaluation
from timonel_components.metrics.figures import LATENCIES
from timonel_components.metrics.known import compares, higher_is_better, known_metrics

COMPARED = "cannot be compared with a champion by"


class GateResult(BaseModel):
    """One condition with its verdict: what was asked, what was found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    expected: str
    actual: str
    passed: bool
    kind: str = "floor"
    """What is asked: floor (a bound of the settings), champion, superiority, non_inferiority, slice,
    calibration, latency, robustness, golden."""
    verdict: Verdict | None = None
    """Of a comparison with the champion."""
    margin: float | None = None
    difference: Estimate | None = None
    """The challenger's figure less the champion's, paired."""
    sentence: str = ""
    """The verdict in plain words."""

    def __str__(self) -> str:
        return f"{self.metric}: {self.actual}, expected {self.expected}"


class GateReport(BaseModel):
    """All conditions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passed: bool
    results: tuple[GateResult, ...]

    @property
    def failures(self) -> tuple[GateResult, ...]:
        """The conditions that do not hold."""
        return tuple(r for r in self.results if not r.passed)

    def save(self, path: Path) -> None:
        """Write as JSON."""
        write_text(path, self.model_dump_json(indent=2) + "\n")

    def plus(self, more: Iterable[GateResult]) -> Self:
        """With further conditions."""
        results = (*self.results, *more)
        return type(self)(passed=all(r.passed for r in results), results=results)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        return cls.model_validate_json(path.read_bytes())


def check_gates(config: Config, classes: int) -> None:
    """Raise `BadInput` for a gate that a model of so many classes, or a ranking, cannot be judged by.

    To be asked before training: a misspelt metric should not cost an hour.
    """
    known = list(known_metrics(config, classes))
    comparable = [name for name in known if compares(name)]
    for gate in config.evaluation.gates:
        _check_known(gate.metric, [*known, *LATENCIES], "does not have")
        if gate.max_loss_to_champion is not None:
            _check_known(gate.metric, comparable, COMPARED)
    challenge = config.evaluation.challenge
    if challenge is not None and challenge.metric is not None:
        _check_known(challenge.metric, comparable, COMPARED, "challenge.metric")


def _check_known(name: str, known: list[str], why: str, setting: str = "gates") -> None:
    if name not in known:
        raise BadInput(
            f"evaluation.{setting} names the metric {name}, which this model {why}",
            fix=f"use one of {', '.join(known)}",
        )


def judge_gates(evaluation: Evaluation, config: Config) -> GateReport:
    """Judge every gate of the settings on the bad end of its metric's interval.

    A metric without a value never passes. Raises `BadInput` for a metric that does not exist.
    """
    results = tuple(r for gate in config.evaluation.gates for r in _judge(gate, evaluation))
    return GateReport(passed=all(r.passed for r in results), results=results)


def _judge(gate: Gate, evaluation: Evaluation) -> list[GateResult]:
    _check_known(gate.metric, list(evaluation.metrics), "does not have")
    found = evaluation.metrics[gate.metric]
    results = []
    if gate.at_least is not None:
        results.append(_at_least(gate.metric, found, gate.at_least))
    if gate.at_most is not None:
        results.append(_at_most(gate.metric, found, gate.at_most))
    if gate.max_loss_to_champion is not None:
        results.append(_against_champion(gate.metric, evaluation, gate.max_loss_to_champion))
    return results


def _at_least(name: str, found: Estimate, bound: float) -> GateResult:
    low = found.value if found.low is None else found.low
    return GateResult(
        metric=name,
        expected=f"lower end at least {bound:g}",
        actual=str(found),
        passed=low is not None and low >= bound,
    )


def _at_most(name: str, found: Estimate, bound: float) -> GateResult:
    high = found.value if found.high is None else found.high
    return GateResult(
        metric=name,
        expected=f"upper end at most {bound:g}",
        actual=str(found),
        passed=high is not None and high <= bound,
    )


def _against_champion(name: str, evaluation: Evaluation, margin: float) -> GateResult:
    expected = f"at most {margin:g} worse than the champion"
    if evaluation.challenge is None:
        return GateResult(
            metric=name,
            expected=expected,
            actual="there is no champion yet",
            passed=True,
            kind="champion",
        )
    found = evaluation.challenge.difference.get(name)
    if found is None or found.low is None or found.high is None:
        why = found.reason if found else "it was not compared"
        actual = f"undefined: {why}"
        return GateResult(
            metric=name, expected=expected, actual=actual, passed=False, kind="champion"
        )
    loss = -found.low if _up(name) else found.high
    return GateResult(
        metric=name,
        expected=expected,
        actual=f"difference {found}",
        passed=loss <= margin,
        kind="champion",
        margin=margin,
        difference=found,
    )


def _up(name: str) -> bool:
    return name not in LATENCIES and higher_is_better(name)
