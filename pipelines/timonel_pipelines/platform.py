"""What a compiled pipeline says about the machines it runs on."""

import math
from dataclasses import dataclass, replace
from importlib.metadata import version

from timonel.config import Config
from timonel.config.sections import Resources

IMAGE = f"ghcr.io/timonel/steps-python:{version('timonel-pipelines')}"
"""The image that holds the steps. Pin it by digest for a cluster: the cluster's cache sees only its
name."""
PIPELINE = "timonel-train"
WORKSPACE = "/timonel"
"""Where a step in a pod keeps the workspace: the volume, where there is one."""
SCRATCH = "/tmp/timonel"  # noqa: S108 - a pod's own writable folder
USER = 65532
"""The steps run as this user, which is not root."""


@dataclass(frozen=True)
class Platform:
    """Image, resources and labels of every step."""

    image: str = IMAGE
    model: str | None = None
    """The model that the pipeline trains; None for a pipeline that is told at run time."""
    cpu: str = Resources().cpu
    memory: str = Resources().memory
    timeout_seconds: int = int(Resources().timeout.total_seconds())
    retries: int = 2
    """How often a step that failed is tried again."""
    threads: int = 1
    """Threads of the numeric libraries: more than a step has CPUs would spin, not work."""
    volume: str | None = None
    """A claim of a volume that keeps the workspace between runs."""

    @classmethod
    def of(cls, config: Config, *, image: str = IMAGE, volume: str | None = None) -> "Platform":
        """What a model's settings ask of a cluster."""
        resources = config.resources
        return cls(
            image=image,
            model=config.model.name,
            cpu=resources.cpu,
            memory=resources.memory,
            timeout_seconds=int(resources.timeout.total_seconds()),
            threads=_whole_cores(resources.cpu),
            volume=volume,
        )

    def on_this_machine(self) -> "Platform":
        """The same here, where a person sees a failure at once and knows better when to try again."""
        return replace(self, retries=0)

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return f"{PIPELINE}-{self.model}" if self.model else PIPELINE

    @property
    def workspace(self) -> str:
        """The folder in a pod that relative paths of the settings start at."""
        return WORKSPACE if self.volume else SCRATCH


def _whole_cores(cpu: str) -> int:
    cores = float(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)
    return max(1, math.floor(cores))
