"""Ledgers with rows in them, and writers that run in processes of their own."""

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from timonel.ledger import Decision, Ledger, Place

START = datetime(2026, 3, 1, tzinfo=UTC)


def ledger_at(uri: str | Path, environment: Mapping[str, str] | None = None) -> Ledger:
    """The ledger at an address."""
    return Ledger(Place.of(uri, environment or {}))


def rows(first: int, count: int, *, days: int = 1, entity: str | None = None) -> dict[str, list]:
    """Predictions p<first>, p<first + 1>, ..., spread evenly over so many days from START."""
    numbers = range(first, first + count)
    step = timedelta(days=days) / max(count, 1)
    return {
        "prediction_id": [f"p{i}" for i in numbers],
        "event_time": [START + i * step for i in range(count)],
        "model": ["fraud"] * count,
        "entity": [entity or f"person-{i % 7}" for i in numbers],
        "prediction": [i % 2 for i in numbers],
        "score": [0.25 + 0.5 * (i % 2) for i in numbers],
        "amount": [float(i) for i in numbers],
    }


def decision(number: int, kind: str = "drift") -> Decision:
    """A decision; its number is in it."""
    return Decision(
        time=START + timedelta(hours=number),
        kind=kind,
        model="fraud",
        version="3",
        summary=f"amount has drifted ({number})",
        details={"effect": 0.4, "number": number},
    )


def write_at_once(
    uri: str, environment: Mapping[str, str], writers: int, commits: int
) -> list[int]:
    """Let processes write predictions and decisions at once; how many rows each wrote."""
    with ProcessPoolExecutor(writers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_write, uri, dict(environment), w, commits) for w in range(writers)]
        return [job.result() for job in jobs]


def _write(uri: str, environment: dict[str, str], writer: int, commits: int) -> int:
    ledger, written = ledger_at(uri, environment), 0
    for number in range(commits):
        batch = rows(writer * 1000 + number * 10, 10)
        # each writer brings a feature of its own: the columns change under the others' hands
        batch[f"feature_{writer}_{number % 2}"] = [1.0] * 10
        written += ledger.append("predictions", batch)
        ledger.decide(decision(writer * 1000 + number))
    return written
