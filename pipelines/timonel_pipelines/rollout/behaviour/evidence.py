"""Evidence from rows that both versions scored, in the shape of a block."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from timonel.canary import Arm, Block
from timonel.canary.block import Moments, Paired


@dataclass(frozen=True)
class Side:
    """What is counted of one version."""

    counts: Mapping[str, int] = field(default_factory=dict)
    of: Mapping[str, int] = field(default_factory=dict)
    histograms: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    values: Mapping[str, Moments] = field(default_factory=dict)

    def joined(self, arm: Arm) -> Arm:
        """An arm with this beside what was counted of its requests."""
        return replace(
            arm,
            counts={**arm.counts, **self.counts},
            of={**arm.of, **self.of},
            histograms={**arm.histograms, **self.histograms},
            values={**arm.values, **self.values},
        )


@dataclass(frozen=True)
class Replayed:
    """What some logged rows say."""

    rows: int = 0
    """That both versions scored for the first time."""
    labelled: int = 0
    """That were counted with their label."""
    left_out: int = 0
    """That one of the versions would not answer, or whose label is no class."""
    paired: Mapping[str, Paired] = field(default_factory=dict)
    losses: Mapping[str, Moments] = field(default_factory=dict)
    stable: Side = Side()
    canary: Side = Side()
    failed: tuple[str, ...] = ()
    """Metrics that could not be told, because the log or a package could not be read."""
    problem: str | None = None
    """Why."""

    def joined(self, block: Block) -> Block:
        """A block with this evidence."""
        return replace(
            block,
            paired={**block.paired, **self.paired},
            losses={**block.losses, **self.losses},
            stable=self.stable.joined(block.stable),
            canary=self.canary.joined(block.canary),
            failed=(*block.failed, *self.failed),
        )
