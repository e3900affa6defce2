"""The last step of a model that passed: its package, and its version in the registry."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from timonel.package import Package
from timonel.workspace import Workspace
from timonel_components.package import build_id, origin, package
from timonel_components.register import register
from timonel_pipelines.journal import Outcome
from timonel_pipelines.steps.context import Context, context
from timonel_pipelines.steps.examined import Examined


def package_and_register(
    outcome: Outcome, text: str, base: str, prepared: str, examined: str, out: str, card: str
) -> None:
    """Make the package of the examined model and register it; the run of the training ends well."""
    found = Examined(Path(examined))
    with context(text, base, prepared) as at:
        sealed = _package(at, found)
        made = register(sealed, found.evaluation, found.gates, at.tracking)
        at.run.close()
    shutil.copytree(sealed.path, out)
    shutil.copyfile(sealed.path / "MODEL_CARD.md", card)
    aliases = " and ".join(made.aliases)
    served = f"served by {sealed.manifest.backend}"
    outcome.note = f"version {made.version}, {aliases}; {served}; digest {sealed.digest[:12]}"
    outcome.facts = {
        "version": made.version,
        "aliases": list(made.aliases),
        "package": str(sealed.path),
        "package_digest": sealed.digest,
        "backend": sealed.manifest.backend,
    }


def _package(at: Context, found: Examined) -> Package:
    given, config = at.given, at.config
    about = given.about
    made = origin(
        about.data, created_at=datetime.now(UTC), git_commit=about.commit, run_id=about.run_id
    )
    return package(
        found.trained,
        found.evaluation,
        found.gates,
        given.splits.test,
        given.contract,
        config,
        made,
        Workspace.of(config).packages / build_id(made),
    )
