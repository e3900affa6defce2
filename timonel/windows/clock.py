"""Which blocks are fine, which coarse, and which are gone: a function of the newest event alone."""

from dataclasses import dataclass, field

from timonel.windows.layout import DAY, HOUR, Layout, Steps


@dataclass(frozen=True, slots=True)
class Clock:
    """Event time as a state sees it; microseconds."""

    layout: Layout
    watermark: int | None = None
    """The time of the newest event; None before the first."""

    boundary: int = field(init=False, repr=False, compare=False)
    """From here on blocks are fine, before it coarse: a full hour."""
    horizon: int = field(init=False, repr=False, compare=False)
    """Events before it have expired: the start of a UTC day."""

    def __post_init__(self) -> None:
        now, layout = self.watermark or 0, self.layout
        object.__setattr__(self, "boundary", _floor(now - layout.fine_span, HOUR))
        object.__setattr__(self, "horizon", _floor(now - layout.retention, DAY))

    def after(self, time: int) -> "Clock":
        """The clock once an event of this time is known."""
        if self.watermark is not None and time <= self.watermark:
            return self
        return Clock(self.layout, time)

    def end(self, step: int) -> int:
        """The number after the block of this length that holds the watermark."""
        return (self.watermark or 0) // step + 1

    def live(self, steps: Steps) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """The block numbers, from and to (excluded), of the fine, coarse and rolled tier."""
        boundary, horizon = self.boundary, self.horizon
        return (
            (boundary // steps.fine, self.end(steps.fine)),
            (horizon // steps.coarse, boundary // steps.coarse),
            (horizon // steps.roll, self.end(steps.roll)),
        )


def periods(layout: Layout, steps: Steps) -> tuple[int, int, int]:
    """How many blocks of each tier can be live at once."""
    return (
        (layout.fine_span + HOUR) // steps.fine + 1,
        (layout.retention + DAY) // steps.coarse + 1,
        (layout.retention + DAY) // steps.roll + 2,
    )


def _floor(time: int, step: int) -> int:
    return time // step * step
