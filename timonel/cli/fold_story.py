"""What `timonel ledger fold` prints: how much was counted, how fast, and the metrics of the whole."""

from collections.abc import Iterator
from typing import Any

from timonel.cli.monitor_story import figures
from timonel.fold.counting import empty_monitor
from timonel.fold.job import FoldJob
from timonel.monitor.metrics import Metrics
from timonel.monitor.parcel import Parcel
from timonel.monitor.times import as_datetime
from timonel.windows.layout import JUDGED, SERVED


def as_dict(job: FoldJob, parcel: Parcel, seconds: float) -> dict[str, Any]:
    """The whole answer as plain JSON values."""
    metrics = whole(job, parcel)
    return {
        "ledger": job.place.uri,
        "rows": parcel.rows,
        "labelled": _labelled(parcel, metrics),
        "seconds": round(seconds, 3),
        "first": None if parcel.rows == 0 else as_datetime(parcel.oldest).isoformat(),
        "last": None if parcel.rows == 0 else as_datetime(parcel.newest).isoformat(),
        "expired": int(parcel.state.expired[SERVED]),
        "windows": _windows(job, parcel),
        "versions": parcel.state.versions(),
        "rejected": dict(parcel.rejected),
        "metrics": None if metrics is None else metrics.to_dict(),
    }


def story(job: FoldJob, parcel: Parcel, seconds: float) -> str:
    """The same for a person."""
    return "\n".join(_lines(job, parcel, seconds))


def whole(job: FoldJob, parcel: Parcel) -> Metrics | None:
    """The metrics of all that is kept; None where that is nothing."""
    if parcel.rows == 0:
        return None
    monitor = empty_monitor(job)
    monitor.merge(parcel)
    start = max(parcel.oldest, parcel.state.clock.horizon)
    return monitor.calculate_metrics(start=as_datetime(start // 60_000_000 * 60_000_000))


def _lines(job: FoldJob, parcel: Parcel, seconds: float) -> Iterator[str]:
    metrics = whole(job, parcel)
    if metrics is None:
        yield f"{job.place.uri}: no predictions are selected"
        return
    first, last = (f"{as_datetime(t):%Y-%m-%d %H:%M}" for t in (parcel.oldest, parcel.newest))
    yield f"{job.place.uri}: {parcel.rows:,} predictions from {first} to {last} UTC"
    labelled = _labelled(parcel, metrics)
    rate = parcel.rows / max(seconds, 1e-9)
    yield f"{labelled:,} with a label; folded in {seconds:.1f} s, {rate:,.0f} rows/s"
    expired = int(parcel.state.expired[SERVED])
    if expired:
        days = job.config.retention.days
        yield f"{expired:,} lie more than {days} days before the last and are counted, not kept"
    yield f"{_windows(job, parcel):,} windows of 15 minutes, of {_versions(parcel)}"
    yield ""
    yield from figures(metrics)
    yield from (f"note: {n:,} rows: {reason}" for reason, n in sorted(parcel.rejected.items()))


def _versions(parcel: Parcel) -> str:
    count = len(parcel.state.versions())
    return "1 version" if count == 1 else f"{count} versions"


def _labelled(parcel: Parcel, metrics: Metrics | None) -> int:
    kept = 0 if metrics is None else metrics.n_labelled
    return kept + int(parcel.state.expired[JUDGED])


def _windows(job: FoldJob, parcel: Parcel) -> int:
    """Windows of 15 minutes that hold predictions."""
    if parcel.rows == 0:
        return 0
    step = parcel.state.layout.coarse
    start = max(parcel.oldest, parcel.state.clock.horizon) // step * step
    _, counts = parcel.state.series("events", start, parcel.newest + 1, step)
    return int((counts[:, SERVED] > 0).sum())
