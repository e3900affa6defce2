"""What is compiled: a platform, and the values of the pipeline's parameters."""

from dataclasses import dataclass
from pathlib import Path

from timonel.config import load_config
from timonel_components.environment import git_commit
from timonel_pipelines.platform import IMAGE, Platform


@dataclass(frozen=True)
class Wanted:
    """A pipeline to compile."""

    platform: Platform
    parameters: dict[str, str]


def generic(image: str | None = None, volume: str | None = None) -> Wanted:
    """A pipeline that is told its model's settings when it runs."""
    return Wanted(Platform(image=image or IMAGE, volume=volume), {})


def described(path: Path, image: str | None = None, volume: str | None = None) -> Wanted:
    """The pipeline of the model that a timonel.yaml describes."""
    platform = Platform.of(load_config(path), image=image or IMAGE, volume=volume)
    text = path.read_text(encoding="utf-8")
    return Wanted(platform, {"config": text, "commit": git_commit(path.parent) or ""})
