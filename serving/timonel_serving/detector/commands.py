"""The command of the detector's process. Heavy imports stay inside the function."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from timonel_serving.options import Digest, Host, ReferenceUri


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("detect")(detect)


def detect(
    config: ConfigPath = DEFAULT_CONFIG,
    reference: ReferenceUri = None,
    digest: Digest = None,
    spool: Annotated[
        Path | None,
        typer.Option(help="Folder of the spool. Default: one for the model in storage.directory."),
    ] = None,
    host: Host = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    durable: Annotated[
        bool | None,
        typer.Option(
            "--durable/--no-durable", help="Whether an answer waits until the event is on the disk."
        ),
    ] = None,
    monitor_url: Annotated[
        str | None, typer.Option(help="The monitor that counts are handed over to.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take the events of inferences (KServe's logger, or `timonel serve --log-url`) and watch the model."""
    # as a container's process 1 Python would ignore SIGTERM while it loads
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    from timonel.config import load_config
    from timonel.monitor.config import MonitorConfig
    from timonel_serving.detector.alibi.setup import alibi_taps
    from timonel_serving.detector.outlets import Outlets
    from timonel_serving.detector.process import put_together, run
    from timonel_serving.flags import overridden, reference_at
    from timonel_serving.logs import set_up

    loaded = load_config(config)
    set_up("detector", loaded.monitoring.detector.log_level, model=loaded.model.name)
    flags = {"host": host, "port": port, "durable": durable, "monitor_url": monitor_url}
    settings = overridden(loaded.monitoring.detector, flags)
    watched = loaded.monitoring.model_copy(update={"detector": settings})
    loaded = loaded.model_copy(update={"monitoring": watched})
    known = reference_at(reference, loaded, digest)
    folder = spool or loaded.home / "spool" / loaded.model.name
    outlets = Outlets(loaded, known, os.environ, folder)
    deliveries = outlets.deliveries()
    watching = MonitorConfig.of(loaded)
    tapping = alibi_taps(
        settings.alibi, known, model=loaded.model.name, base=loaded.base, environment=os.environ
    )
    with tapping as taps:
        detection = put_together(
            settings, watching, known, folder, deliveries=deliveries, taps=taps
        )
        for tap in taps:
            detection.door.registry.register(tap.series)
        facts = {"model": loaded.model.name, "spool": str(folder), "name": outlets.name}
        facts |= {one.destination.name: one.destination.address for one in deliveries}

        def announce(url: str) -> None:
            facts["url"] = url
            typer.echo(json.dumps(facts) if as_json else _story(facts))
            sys.stdout.flush()

        run(detection, settings, announce)


def _story(facts: dict[str, str]) -> str:
    lines = [
        f"detecting {facts['model']}",
        f"events    {facts['url']}/",
        f"metrics   {facts['url']}/metrics",
        f"spool     {facts['spool']}",
        f"ledger    {facts.get('ledger', 'none: monitoring.detector.ledger is false')}",
        f"monitor   {facts.get('monitor', 'none: --monitor-url')}",
        f"name      {facts['name']}",
        "Ctrl-C stops it",
    ]
    return "\n".join(lines)
