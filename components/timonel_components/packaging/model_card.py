"""MODEL_CARD.md: what a person should know before using the model."""

from collections.abc import Sequence

from timonel.config import Config
from timonel.contract import DataContract
from timonel.package import Origin
from timonel_components.evaluation.gates import GateReport
from timonel_components.evaluation.result import Estimate, Evaluation

TOP_FEATURES = 12


def model_card(
    evaluation: Evaluation,
    gates: GateReport,
    contract: DataContract,
    config: Config,
    origin: Origin,
    serving: str,
) -> str:
    """The card as Markdown."""
    parts = [
        _head(evaluation, config, origin),
        _data(evaluation, contract, config, origin),
        _figures(evaluation),
        _gates(gates),
        _slices(evaluation),
        _robustness(evaluation),
        _importances(evaluation),
        _serving(evaluation, serving),
        _limits(evaluation, contract),
        _again(config, origin),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(evaluation: Evaluation, config: Config, origin: Origin) -> str:
    what = config.model.description or f"Predicts {config.data.target}."
    return (
        f"# {config.model.name}\n\n{what}\n\n"
        f"A {evaluation.task} model ({evaluation.candidate}), made {origin.created_at}."
    )


def _data(evaluation: Evaluation, contract: DataContract, config: Config, origin: Origin) -> str:
    split = (
        "The newest rows are the test rows; nothing of them was seen in training."
        if config.data.time
        else "The test rows were drawn at random: the table has no time column."
    )
    rows = [
        ("Table", f"`{config.data.source}`, version {origin.data_version}, {contract.rows:,} rows"),
        *_subject(evaluation, contract),
        ("Test rows", f"{evaluation.rows:,}{_period(evaluation)}"),
    ]
    return f"## Data\n\n{_table(('', ''), rows)}\n\n{split}"


def _subject(evaluation: Evaluation, contract: DataContract) -> list[tuple[str, str]]:
    """What is predicted, and from what."""
    found = evaluation.ranking
    if found is None:
        return [
            ("Target", f"`{contract.target}`: {', '.join(map(str, contract.classes))}"),
            ("Features", f"{len(contract.features)}"),
        ]
    return [
        ("Items", f"`{contract.target}`: {found.catalogue:,} known"),
        ("Users", f"`{contract.entity}`"),
        ("Judged", f"lists of {found.k} for {found.users:,} users who chose something new"),
    ]


def _period(evaluation: Evaluation) -> str:
    if evaluation.period is None:
        return ""
    return f", {evaluation.period[0]} to {evaluation.period[1]}"


def _figures(evaluation: Evaluation) -> str:
    rows = [(name, *_cells(e)) for name, e in evaluation.metrics.items()]
    table = _table(("Metric", "Value", f"{evaluation.confidence:.0%} interval"), rows)
    cut = (
        f" A row counts as {evaluation.classes[1]} from a score of {evaluation.threshold:.4g}."
        if evaluation.threshold is not None
        else ""
    )
    how = f"Intervals: {evaluation.resamples} bootstrap resamples of {evaluation.resampled}.{cut}"
    return f"## Figures on the test rows\n\n{table}\n\n{how}"


def _gates(gates: GateReport) -> str:
    if not gates.results:
        return "## Gates\n\nNone were set: whatever is trained is registered."
    rows = [
        (r.metric, r.expected, r.actual, "pass" if r.passed else "**fail**") for r in gates.results
    ]
    return f"## Gates\n\n{_table(('Metric', 'Expected', 'Actual', 'Verdict'), rows)}"


def _slices(evaluation: Evaluation) -> str:
    if not evaluation.slices:
        return ""
    names = list(evaluation.slices[0].metrics)
    rows = [
        (s.column, s.group, f"{s.rows:,}", *(str(s.metrics[n]) for n in names))
        for s in evaluation.slices
    ]
    left = (
        f"\n\nToo small to be judged: {', '.join(evaluation.left_out)}."
        if evaluation.left_out
        else ""
    )
    return f"## Groups\n\n{_table(('Column', 'Group', 'Rows', *names), rows)}{left}"


def _robustness(evaluation: Evaluation) -> str:
    if not evaluation.robustness:
        return ""
    rows = [(p.name, p.metric, str(p.value), str(p.change)) for p in evaluation.robustness]
    return f"## On spoilt rows\n\n{_table(('Rows', 'Metric', 'Value', 'Change'), rows)}"


def _importances(evaluation: Evaluation) -> str:
    explained = evaluation.explanation
    if explained is None or not explained.importances:
        return ""
    rows = [
        (i.feature, f"{i.permutation:.4g}", "" if i.shap is None else f"{i.shap:.4g}")
        for i in explained.importances[:TOP_FEATURES]
    ]
    table = _table(("Feature", "Rise of log loss when shuffled", "Mean absolute SHAP value"), rows)
    return f"## What it looks at\n\n{table}\n\n{explained.method}"


def _serving(evaluation: Evaluation, how: str) -> str:
    rows = [
        (f"{t.rows:,}", _value(t.p50_ms), _value(t.p95_ms), t.backend) for t in evaluation.latency
    ]
    table = _table(("Rows a call", "p50 ms", "p95 ms", "Backend"), rows) if rows else ""
    return f"## Serving\n\n{how}" + (f"\n\n{table}" if table else "")


def _limits(evaluation: Evaluation, contract: DataContract) -> str:
    lines = _ranking_limits() if evaluation.ranking else []
    lines += [
        "It is fit for rows that keep the data contract (`contract.json`); others are refused or"
        " marked by the predictor.",
        "Its figures hold while the world stays as it was in the period of the test rows.",
    ]
    if evaluation.explanation is not None:
        lines.append("Importances say what the model uses, not what causes the target.")
    if contract.entity is None:
        lines.append("Intervals take the rows for independent of each other.")
    undefined = [f"{k}: {e.reason}" for k, e in evaluation.metrics.items() if e.value is None]
    lines += [f"Not measured: {text}." for text in undefined]
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _ranking_limits() -> list[str]:
    return [
        "A choice that a list did not offer counts against the list: the figures are those of a"
        " replay, not of an experiment, and favour what users came across anyhow.",
        "Histories are those of the training rows: what a user chose since is not known to it.",
        "A user who is not known gets the most popular items.",
    ]


def _again(config: Config, origin: Origin) -> str:
    rows = [
        ("Data version", str(origin.data_version)),
        ("Code", origin.git_commit or "not in a git repository"),
        ("MLflow run", origin.run_id or "none"),
        ("Seed", str(config.train.seed)),
        *origin.libraries.items(),
    ]
    how = "`timonel train -c timonel.yaml` on the same data version, code and libraries gives the same model."
    return f"## How to make it again\n\n{how}\n\n{_table(('', ''), rows)}"


def _cells(found: Estimate) -> tuple[str, str]:
    if found.value is None:
        return "undefined", str(found.reason)
    if found.low is None or found.high is None:
        return _value(found), ""
    return _value(found), f"{found.low:.4g} to {found.high:.4g}"


def _value(found: Estimate) -> str:
    return "undefined" if found.value is None else f"{found.value:.4g}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines: list[tuple[str, ...]] = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Text that cannot break out of its cell: group names come from the data."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
