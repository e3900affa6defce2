"""What commands that watch a model are told: its settings and its reference."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from timonel.monitor.config import MonitorConfig
    from timonel.reference import Reference


def watch_settings(config: Path | None, slices: list[str]) -> "MonitorConfig":
    """Those of timonel.yaml, or the usual ones; `slices` in place of its own if there are any."""
    from timonel.config import load_config
    from timonel.monitor.config import MonitorConfig

    settings = MonitorConfig() if config is None else MonitorConfig.of(load_config(config))
    return settings.model_copy(update={"slices": tuple(slices)}) if slices else settings


def read_reference(path: Path | None) -> "Reference | None":
    """That of a model package, or a file of Reference.save."""
    from timonel.package import open_package
    from timonel.reference import Reference

    if path is None:
        return None
    return Reference.of_package(open_package(path).path) if path.is_dir() else Reference.load(path)


def read_time(text: str | None, option: str) -> datetime | None:
    """A time of an option, UTC where it says nothing else; BadInput for what is none."""
    from timonel.errors import BadInput
    from timonel.monitor.times import as_datetime, micros

    if text is None:
        return None
    found = micros(text)
    if found < 0:
        raise BadInput(f"{option} is {text!r}, expected a time", fix="use such as 2026-03-01T12:00")
    return as_datetime(found)
