"""What is compiled: a platform, and the values of the pipeline's parameters."""

from dataclasses import dataclass

from timonel.config import Config
from timonel_pipelines.platform import IMAGE, Platform
from timonel_pipelines.running import Source


@dataclass(frozen=True)
class Wanted:
    """A pipeline to compile."""

    platform: Platform
    parameters: dict[str, str]
    warnings: tuple[str, ...] = ()
    """What the settings name that pods will not find."""


def generic(image: str | None = None, volume: str | None = None) -> Wanted:
    """A pipeline that is told its model's settings when it runs."""
    return Wanted(Platform(image=image or IMAGE, volume=volume), {})


def described(source: Source, image: str | None = None, volume: str | None = None) -> Wanted:
    """The pipeline of the model that a timonel.yaml describes."""
    platform = Platform.of(source.config, image=image or IMAGE, volume=volume)
    parameters = {"config": source.text, "commit": source.commit}
    if source.request:
        parameters["request"] = source.request
    return Wanted(platform, parameters, () if volume else _missing(source.config))


def _missing(config: Config) -> tuple[str, ...]:
    """A pod sees no disk of this machine, nor of another pod."""
    found = []
    if "://" not in config.data.source:
        found.append(
            f"data.source is {config.data.source}: pods find it on a volume alone"
            " (--volume), else give an address such as s3://"
        )
    if config.storage.tracking_uri is None:
        found.append(
            "storage.tracking_uri is not set: without a volume (--volume) pods need an MLflow server,"
            " named there or as MLFLOW_TRACKING_URI in the image"
        )
    return tuple(found)
