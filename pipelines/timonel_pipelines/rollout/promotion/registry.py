"""The promotion: what was judged is what becomes champion, or nothing does."""

from dataclasses import dataclass
from pathlib import Path

from timonel.config import Config
from timonel.errors import Corrupt
from timonel.package import open_package
from timonel_components.register import CHAMPION
from timonel_components.registry import resolve
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.rollout.promotion.aliases import LAST_KNOWN_GOOD, Aliases
from timonel_pipelines.rollout.route.stand import Version


@dataclass(frozen=True)
class Registry:
    """The registry of one model."""

    config: Config
    tracking: Tracking

    @property
    def aliases(self) -> Aliases:
        """Its aliases."""
        return Aliases(self.tracking, self.config.model.name)

    def version(self, reference: str) -> Version:
        """The version that an alias or a number names, its package here and verified."""
        number, package = resolve(self.config, reference, tracking=self.tracking)
        origin = package.manifest.origin
        return Version(
            number=str(number),
            digest=package.digest,
            package=str(package.path),
            data=f"{origin.data_uri}@{origin.data_version}",
        )

    def require_unchanged(self, *judged: Version) -> None:
        """Raise Corrupt if a version's package is not the one that was judged."""
        for version in judged:
            now = self.version(version.number)
            if now.digest != version.digest:
                raise Corrupt(
                    f"version {version.number} has the digest {now.digest[:12]}, judged was "
                    f"{version.digest[:12]}"
                )
            open_package(Path(version.package), expected_digest=version.digest)


def promote(registry: Registry, champion: Version, challenger: Version) -> None:
    """Make the challenger champion if the champion is still the one it was judged against.

    The one before stays pinned as the last known good version. It may be done again. Raises Busy if
    somebody else moved the alias.
    """
    aliases = registry.aliases
    aliases.move(CHAMPION, champion.number, challenger.number)
    aliases.pin(LAST_KNOWN_GOOD, champion.number)
