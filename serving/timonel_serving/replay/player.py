"""Plays a log against detector and monitor, hours of it in a moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic, sleep

import httpx
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.errors import BadInput, Unavailable
from timonel.windows.layout import HOUR
from timonel_serving.replay import messages

MESSAGE = 250
"""Rows of a message to the detector."""
EVERY = 6
"""Hours of event time whose labels are sent together."""


@dataclass(frozen=True)
class Stage:
    """Who is played to."""

    model: str
    features: tuple[str, ...]
    detector: str
    monitor: str | None
    token: str | None = None


@dataclass(frozen=True)
class Moment:
    """How far it has come."""

    time: int
    """Event time, microseconds."""
    share: float
    predictions: int
    labels: int


def play(
    log: pa.Table, stage: Stage, seconds: float, earlier: pa.Table | None = None
) -> Iterator[Moment]:
    """Send predictions and labels as they arrive, evenly over `seconds` or as fast as it goes.

    The labels that come after the last prediction are not sent: they are still to come. Those of a log
    that was played `earlier` are sent with this one's.
    """
    time = _micros(log["arrival_time"])
    labelled = [_labelled(part) for part in (earlier, log) if part is not None]
    known = pa.concat_tables(labelled).sort_by("label_arrival_time")
    arrival = _micros(known["label_arrival_time"])
    began, first, last = monotonic(), int(time[0]), int(time[-1])
    sent = first
    with httpx.Client(timeout=60) as client:
        for start in range(first, last + 1, HOUR):
            ours = _between(time, start, start + HOUR)
            for at in range(ours.start, ours.stop, MESSAGE):
                rows = log.slice(at, min(MESSAGE, ours.stop - at))
                body = messages.events(rows, stage.model, stage.features)
                _post(client, "detector", stage.detector, body, {"content-type": messages.KIND})
            theirs = _between(arrival, sent, min(start + HOUR, last))
            whole = (start - first) // HOUR % EVERY == EVERY - 1 or start + HOUR > last
            if whole and stage.monitor and len(theirs):
                _label(client, stage, known.slice(theirs.start, len(theirs)))
            sent = start + HOUR if whole else sent
            share = min(1.0, (start + HOUR - first) / (last + 1 - first))
            sleep(max(0.0, began + share * seconds - monotonic()))
            yield Moment(min(start + HOUR, last), share, ours.stop, theirs.stop)


def _labelled(log: pa.Table) -> pa.Table:
    known = log.filter(log["label"].is_valid())
    return known.select(["prediction_id", "label", "label_arrival_time"])


def _between(times: NDArray[np.int64], start: int, end: int) -> range:
    return range(*np.searchsorted(times, [start, end]).tolist())


def _label(client: httpx.Client, stage: Stage, rows: pa.Table) -> None:
    headers = {"content-type": "application/vnd.apache.parquet"}
    if stage.token:
        headers["authorization"] = f"Bearer {stage.token}"
    at = f"{stage.monitor}/v1/models/{stage.model}/labels"
    _post(client, "monitor", at, messages.labels(rows), headers)


def _post(client: httpx.Client, who: str, url: str, body: bytes, headers: dict[str, str]) -> None:
    try:
        answer = client.post(url, content=body, headers=headers)
    except httpx.TransportError as error:
        raise Unavailable(
            f"the {who} at {url} does not answer: {error}",
            fix=f"start it, or give its address with --{who}",
        ) from None
    if answer.status_code != httpx.codes.OK:
        raise BadInput(f"the {who} answered {answer.status_code}: {answer.text[:300]}")


def _micros(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()))
