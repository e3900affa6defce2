"""The third step: the best candidate, examined and judged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from timonel_components.evaluate import evaluate, judge
from timonel_components.evaluation.gates import GateReport
from timonel_components.evaluation.result import Evaluation
from timonel_components.registry import champion
from timonel_components.select import select
from timonel_components.tracking.runs import Run
from timonel_components.train import Trained
from timonel_pipelines.journal import Journal, Outcome
from timonel_pipelines.steps.context import context
from timonel_pipelines.steps.examined import GATES, REPORT, Examined, Shown, verdict_of


def examine(
    outcome: Outcome, text: str, base: str, prepared: str, models: Sequence[str], directory: str
) -> Shown:
    """Choose among the models, examine the best on the test rows, judge it by the gates."""
    examined = Examined(Path(directory))
    with context(text, base, prepared) as at:
        path = _best([Path(model) for model in models])
        contract, test = at.given.contract, at.given.splits.test
        rival = champion(at.config, tracking=at.tracking)
        trained = Trained.load(path)
        found = evaluate(trained, test, contract, at.config, rival)
        gates = judge(trained, found, test, contract, at.config, rival)
        report = examined.save(path, found, gates)
        _record(found, gates, examined, at.run)
    Journal.from_environment().keep(examined.directory / REPORT, REPORT)
    outcome.note = _note(found, gates)
    outcome.facts = _facts(found, gates)
    return Shown(found, gates, report)


def _best(models: Sequence[Path]) -> Path:
    infos = [Trained.info_of(path) for path in models]
    return models[infos.index(select(infos))]


def _record(found: Evaluation, gates: GateReport, examined: Examined, run: Run) -> None:
    run.log_metrics({name: e.value for name, e in found.metrics.items() if e.value is not None})
    run.set_tags({"timonel.candidate": found.candidate, "timonel.gates": verdict_of(gates)})
    run.log_artifacts(examined.directory / REPORT, REPORT)
    run.log_artifact(examined.directory / GATES)


def _note(found: Evaluation, gates: GateReport) -> str:
    metric = found.selection_metric
    held = len(gates.results) - len(gates.failures)
    judged = f"{held} of {len(gates.results)} gates hold" if gates.results else "no gates"
    return f"{found.candidate}: {metric} {found.metrics[metric]} on the test rows; {judged}"


def _facts(found: Evaluation, gates: GateReport) -> dict[str, Any]:
    metrics = {
        name: {"value": e.value, "low": e.low, "high": e.high} for name, e in found.metrics.items()
    }
    return {
        "model": found.model,
        "candidate": found.candidate,
        "selection_metric": found.selection_metric,
        "metrics": metrics,
        "gates": [result.model_dump(mode="json") for result in gates.results],
    }
