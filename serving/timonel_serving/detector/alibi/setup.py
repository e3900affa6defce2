"""The tap that timonel.yaml asks for, or why there cannot be one: told before anything listens."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa

from timonel.config.watching import Alibi
from timonel.errors import BadInput, Unavailable
from timonel.reference import CategoryBins, Reference
from timonel_serving.detector.alibi.messages import Plan
from timonel_serving.detector.alibi.metrics import AlibiMetrics
from timonel_serving.detector.alibi.saved import check, local_directory
from timonel_serving.detector.alibi.sink import (
    Sender,
    VerdictEvent,
    overrides_of,
    verdict_events,
)
from timonel_serving.detector.alibi.verdicts import Limits, Verdicts
from timonel_serving.log.queue import EventLog, receiver_address

_SETTING = "monitoring.detector.alibi"
_EVENTS = 100
"""Verdicts that may wait for the sink."""


@contextmanager
def alibi_taps(
    settings: Alibi | None,
    reference: Reference | None,
    *,
    model: str,
    base: Path,
    environment: Mapping[str, str],
) -> Iterator[tuple[Verdicts, ...]]:
    """The tap while it runs, none if none is asked for; relative paths start at `base`."""
    if settings is None:
        yield ()
        return
    tap = alibi_tap(settings, reference, model=model, base=base, environment=environment)
    tap.start()
    try:
        yield (tap,)
    finally:
        tap.stop()


def alibi_tap(
    settings: Alibi,
    reference: Reference | None,
    *,
    model: str,
    base: Path,
    environment: Mapping[str, str],
) -> Verdicts:
    """The tap, not started yet."""
    if find_spec("alibi_detect") is None:
        raise Unavailable(
            f"{_SETTING} is set, but Alibi Detect is not installed",
            why="it is optional because of its licence (Business Source License 1.1)",
            fix='pip install "timonel[alibi]"',
        )
    plan = plan_of(settings, reference, base)
    metrics = AlibiMetrics()
    limits = Limits(
        window=settings.batch_size,
        every=None if settings.every is None else settings.every.total_seconds(),
        timeout=settings.timeout.total_seconds(),
    )
    log = _log(settings, model, metrics, environment)
    rows = _rows(reference, plan.features)
    return Verdicts(plan, rows, limits, metrics, log, environment)


def plan_of(settings: Alibi, reference: Reference | None, base: Path) -> Plan:
    """What the worker is told; raises where it could not do it."""
    saved = settings.storage_uri
    directory = None if saved is None else local_directory(saved)
    if directory is not None:
        directory = base / directory
        check(directory, digest=settings.digest, allow_pickle=settings.allow_pickle)
        saved = str(directory)
    features = _features(settings, reference)
    categorical = () if reference is None else _categories(reference, features)
    if categorical and settings.kind in ("ks", "cvm"):
        raise BadInput(
            f"{_SETTING}.kind is {settings.kind}, which is for numbers,"
            f" but {', '.join(categorical[:8])} are categories",
            fix=f"take kind: tabular, or name numeric columns in {_SETTING}.features",
        )
    return Plan(
        kind=settings.kind,
        saved=saved,
        digest=settings.digest,
        allow_pickle=settings.allow_pickle,
        features=features,
        categorical=categorical,
        p_value=settings.p_value,
        memory_mb=settings.memory_mb,
    )


def _features(settings: Alibi, reference: Reference | None) -> tuple[str, ...]:
    if reference is None:
        if settings.kind is not None:
            raise BadInput(
                f"{_SETTING}.kind is {settings.kind}: it is made from a reference, which is missing",
                fix="start the detector with --reference, or give a saved detector by storage_uri",
            )
        if settings.features is None:
            raise BadInput(
                f"{_SETTING}.features is missing: which columns, in which order, has the saved detector?",
                fix="name them, or start the detector with --reference",
            )
        return settings.features
    held = set(reference.sample.column_names)
    if settings.features is None:
        contract = reference.contract
        names: Sequence[str] = reference.names
        if contract is not None:
            names = [column.name for column in contract.features]
        return tuple(name for name in names if name in held)
    if unknown := [name for name in settings.features if name not in held]:
        raise BadInput(
            f"{_SETTING}.features names {', '.join(unknown)}, expected features of the reference"
            f" ({', '.join(reference.names[:8])})"
        )
    return settings.features


def _categories(reference: Reference, features: tuple[str, ...]) -> tuple[str, ...]:
    kinds = {bins.name: bins for bins in reference.bins}
    return tuple(name for name in features if isinstance(kinds.get(name), CategoryBins))


def _rows(reference: Reference | None, features: tuple[str, ...]) -> pa.Table:
    return pa.table({}) if reference is None else reference.sample.select(list(features))


def _log(
    settings: Alibi, model: str, metrics: AlibiMetrics, environment: Mapping[str, str]
) -> EventLog[VerdictEvent] | None:
    url = settings.sink or environment.get("K_SINK")
    if not url:
        return None
    sender = Sender(
        type=settings.event_type,
        source=settings.event_source or f"/timonel/detector/{model}",
        service=environment.get("INFERENCE_SERVICE_NAME", model),
        namespace=environment.get("POD_NAMESPACE", "default"),
        overrides=overrides_of(environment),
    )
    address = receiver_address(url, f"{_SETTING}.sink" if settings.sink else "K_SINK")
    return EventLog(
        address, lambda one: verdict_events(one, sender), capacity=_EVENTS, counters=metrics
    )
