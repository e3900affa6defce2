"""Small packs for tests of the windows: wide, narrow and negative counters, labels, a big sum."""

from collections.abc import Iterator, Sequence

import numpy as np

from timonel.windows.events import Coded, Events
from timonel.windows.pack import Contribution, Field

MINUTE = 60_000_000
DAY_SPAN = 1440 * MINUTE
START = 1_700_000_000_000_000 // (1440 * MINUTE) * 1440 * MINUTE
"""Midnight of a day."""


class Confusion:
    """Alerts, latencies and confusion counts of a two-class model."""

    fields: Sequence[Field] = (
        Field("alerts", 2),
        Field("latency", 1),
        Field("confusion", 4),
    )
    remembers: Sequence[str] = ("predicted",)

    def served(self, events: Events) -> Iterator[Contribution]:
        """A missing prediction is counted nowhere."""
        yield Contribution("alerts", events.columns["predicted"])
        latency = events.columns["latency_us"]
        yield Contribution("latency", np.zeros(len(events), np.int8), latency)

    def judged(self, events: Events) -> Iterator[Contribution]:
        """Prediction by outcome."""
        predicted, actual = events.columns["predicted"], events.columns["actual"]
        cell = np.where(predicted < 0, -1, predicted * 2 + actual)
        yield Contribution("confusion", cell)


class Cells:
    """A wide field with several counters a row, which slices leave out."""

    remembers: Sequence[str] = ()

    def __init__(self, features: int = 3) -> None:
        self.features = features
        self.fields: Sequence[Field] = (Field("cells", features * 42, sliced=False),)

    def served(self, events: Events) -> Iterator[Contribution]:
        """The bin of each feature."""
        yield Contribution("cells", events.columns["cells"] + 42 * np.arange(self.features))

    def judged(self, events: Events) -> Iterator[Contribution]:
        """Nothing."""
        return iter(())


def events(
    rng: np.random.Generator,
    rows: int,
    span: int = 3 * 1440 * MINUTE,
    versions: tuple[str, ...] = ("v1", "v2"),
    values: tuple[str, ...] = ("north", "south", "east"),
    features: int = 3,
) -> Events:
    """Random predictions in a stretch of time, a third of them labelled."""
    return Events(
        START + rng.integers(0, span, rows),
        Coded(rng.integers(0, len(versions), rows).astype(np.int32), versions),
        {
            "predicted": rng.integers(-1, 2, rows).astype(np.int8),
            "actual": rng.integers(0, 2, rows).astype(np.int8),
            "latency_us": rng.integers(0, 60_000_000, rows),
            "cells": rng.integers(0, 42, (rows, features)).astype(np.uint8),
        },
        rng.random(rows) < 1 / 3,
        {"region": Coded(rng.integers(0, len(values), rows).astype(np.int32), values)},
    )
