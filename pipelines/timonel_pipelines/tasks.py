"""The steps as functions that KFP turns into tasks: they move artifacts, the steps do the work.

KFP copies the source of each function into the compiled pipeline and runs it in a process of its own,
where this module cannot be imported: hence every import inside, and no annotation that is a string.
The same functions run in pods and, through kfp.local, on a laptop.
"""

from kfp.dsl import (
    HTML,
    Artifact,
    ClassificationMetrics,
    Dataset,
    Input,
    Markdown,
    Metrics,
    Model,
    Output,
)


def prepare(
    config: str, base: str, commit: str, request: str, prepared: Output[Dataset]
) -> list[str]:
    """Take in a version of the data, check it, divide it; says which candidates compete."""
    from timonel_pipelines.journal import step

    with step("prepare") as outcome:
        from timonel_pipelines.steps.prepare import prepare_data

        return prepare_data(outcome, config, base, commit, request, prepared.path)


def train(
    config: str,
    base: str,
    candidate: str,
    prepared: Input[Dataset],
    model: Output[Model],
    metrics: Output[Metrics],
) -> None:
    """Train one candidate."""
    from timonel_pipelines.journal import step

    with step("train", candidate) as outcome:
        from timonel_pipelines.steps.train import train_candidate

        trained = train_candidate(outcome, config, base, candidate, prepared.path, model.path)
        metrics.log_metric(trained.metric, trained.score)


def evaluate(
    config: str,
    base: str,
    prepared: Input[Dataset],
    models: Input[list[Model]],
    examined: Output[Artifact],
    metrics: Output[Metrics],
    classification: Output[ClassificationMetrics],
    summary: Output[Markdown],
    report: Output[HTML],
) -> str:
    """Choose the best candidate, examine it, hold it against the gates: "pass" or "fail"."""
    from timonel_pipelines.journal import step

    with step("evaluate") as outcome:
        from timonel_pipelines.steps.evaluate import examine

        paths = [model.path for model in models]
        found = examine(outcome, config, base, prepared.path, paths, examined.path)
        for name, value in found.figures.items():
            metrics.log_metric(name, value)
        classification.log_confusion_matrix(found.classes, found.confusion)
        classification.log_roc_curve(*found.roc)
        found.write(summary.path, report.path)
        return found.verdict


def register(
    config: str,
    base: str,
    prepared: Input[Dataset],
    examined: Input[Artifact],
    package: Output[Model],
    card: Output[Markdown],
) -> None:
    """Package the examined model and register it."""
    from timonel_pipelines.journal import step

    with step("register") as outcome:
        from timonel_pipelines.steps.register import package_and_register

        package_and_register(
            outcome, config, base, prepared.path, examined.path, package.path, card.path
        )
        package.metadata.update(outcome.facts)


def refuse(
    config: str,
    base: str,
    prepared: Input[Dataset],
    examined: Input[Artifact],
    reasons: Output[Markdown],
) -> None:
    """Record that the model failed its gates: nothing is registered."""
    from timonel_pipelines.journal import step

    with step("refuse") as outcome:
        from timonel_pipelines.steps.refuse import record_refusal

        record_refusal(outcome, config, base, prepared.path, examined.path, reasons.path)
