"""Makes, judges and registers a version that is the champion recalibrated, or with another threshold."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from timonel.package import Derived, Origin, Package
from timonel.retraining import Answer
from timonel.workspace import Workspace
from timonel_components.data.versions import table_digest
from timonel_components.evaluation.gates import GateReport
from timonel_components.package import package
from timonel_components.register import register
from timonel_components.report import write_report
from timonel_components.retraining.labelled import Labelled, labelled
from timonel_components.retraining.revision import Revision, revise
from timonel_components.tracking.environment import library_versions
from timonel_components.tracking.runs import Run
from timonel_pipelines.retraining.looking import Look


@dataclass(frozen=True)
class Revised:
    """What came of it."""

    run: str
    gates: GateReport
    change: dict[str, float]
    version: str | None = None
    """None: it failed its gates."""
    digest: str | None = None


def revised(look: Look, answer: Answer, since: datetime) -> Revised:
    """Act on the matured labels of predictions since a moment; the run in MLflow tells the rest."""
    site = look.site
    version, champion = site.champion
    parts = labelled(look.matured(since), champion.contract, site.config)
    with site.tracking.running(f"{site.config.model.name} {answer.value} {version}") as run:
        revision = revise(champion, answer, parts, site.config)
        derived = _derived(answer, version, champion, parts, revision)
        _record(run, revision, derived)
        if not revision.gates.passed:
            run.set_tags({"timonel.refused": "; ".join(map(str, revision.gates.failures))})
            return Revised(run.id, revision.gates, revision.change)
        sealed = _package(look, champion, parts, revision, derived, run)
        made = register(sealed, revision.evaluation, revision.gates, site.tracking)
        return Revised(run.id, revision.gates, revision.change, str(made.version), sealed.digest)


def _derived(
    answer: Answer, version: str, champion: Package, parts: Labelled, revision: Revision
) -> Derived:
    first, last = (moment.isoformat() for moment in parts.period)
    return Derived(
        action=answer.value,
        version=version,
        digest=champion.digest,
        labels_from=first,
        labels_to=last,
        rows=parts.fitting.num_rows,
        labels_digest=table_digest(parts.fitting),
        change=revision.change,
    )


def _record(run: Run, revision: Revision, derived: Derived) -> None:
    """Everything that training records, and where the version comes from."""
    found = revision.evaluation
    run.log_metrics({name: e.value for name, e in found.metrics.items() if e.value is not None})
    verdict = "pass" if revision.gates.passed else "fail"
    lineage = {f"timonel.derived.{k}": v for k, v in derived.model_dump(exclude={"change"}).items()}
    run.set_tags(lineage | {"timonel.candidate": found.candidate, "timonel.gates": verdict})
    run.log_params({f"change.{name}": value for name, value in derived.change.items()})
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_report(found, folder / "report", revision.gates)
        revision.gates.save(folder / "gates.json")
        run.log_artifacts(folder / "report", "report")
        run.log_artifact(folder / "gates.json")


def _package(
    look: Look,
    champion: Package,
    parts: Labelled,
    revision: Revision,
    derived: Derived,
    run: Run,
) -> Package:
    made = datetime.now(UTC)
    before = champion.manifest.origin
    origin = Origin(
        data_uri=before.data_uri,
        data_version=before.data_version,
        git_commit=before.git_commit,
        run_id=run.id,
        created_at=made.isoformat(timespec="seconds"),
        libraries=library_versions(),
        derived=derived,
    )
    name = f"{made:%Y%m%dT%H%M%SZ}-{derived.action}-{derived.version}"
    return package(
        revision.trained,
        revision.evaluation,
        revision.gates,
        parts.judging,
        champion.contract,
        revision.config,
        origin,
        Workspace.of(look.site.config).packages / name,
    )
