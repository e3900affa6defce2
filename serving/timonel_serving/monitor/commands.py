"""The command of the monitor's process. Heavy imports stay inside the function."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from timonel_serving.options import Digest, Host, ReferenceUri


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("watch")(watch)


def watch(
    config: ConfigPath = DEFAULT_CONFIG,
    reference: ReferenceUri = None,
    digest: Digest = None,
    directory: Annotated[
        Path | None,
        typer.Option(help="Folder of its state. Default: `monitor` in storage.directory."),
    ] = None,
    host: Host = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    as_json: Json = False,
) -> None:
    """Watch the model online: add up what detectors send, take labels, answer by page, API and metrics."""
    # as a container's process 1 Python would ignore SIGTERM while it loads
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    from timonel.config import load_config
    from timonel_serving import logs, memory
    from timonel_serving.flags import overridden, reference_at
    from timonel_serving.monitor.models.station import Station, folder_of, open_watched
    from timonel_serving.monitor.process import put_together, run

    loaded = load_config(config)
    flags = {"host": host, "port": port, "directory": _absolute(directory)}
    settings = overridden(loaded.monitoring.monitor, flags)
    monitoring = loaded.monitoring.model_copy(update={"monitor": settings})
    loaded = loaded.model_copy(update={"monitoring": monitoring})
    memory.share_arenas()
    logs.set_up("monitor", settings.log_level, model=loaded.model.name)
    known = reference_at(reference, loaded, digest)
    station = Station([open_watched(loaded, known, os.environ)])
    service = put_together(station, settings, os.environ, time.time)

    def announce(url: str) -> None:
        facts = {"model": loaded.model.name, "url": url, "directory": str(folder_of(loaded, known))}
        typer.echo(json.dumps(facts) if as_json else _story(facts))
        sys.stdout.flush()

    run(service, settings, announce, config)


def _absolute(path: Path | None) -> str | None:
    """A path of the command line starts where one is, not at the settings' folder."""
    return None if path is None else str(path.absolute())


def _story(facts: dict[str, str]) -> str:
    url, name = facts["url"], facts["model"]
    lines = [
        f"watching  {name}",
        f"page      {url}/",
        f"labels    {url}/v1/models/{name}/labels",
        f"API       {url}/openapi.json",
        f"metrics   {url}/metrics",
        "Ctrl-C stops it",
    ]
    return "\n".join(lines)
