"""A value with its interval, its n and its state: the one type that every metric of the library has."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import total_ordering
from typing import Any

from timonel.errors import TimonelError


class State(StrEnum):
    """Whether there is a value, and why not."""

    OK = "ok"
    TOO_FEW = "too few rows"
    IMMATURE = "labels immature"
    NO_DATA = "no data"
    UNDEFINED = "undefined"
    LEARNING = "learning"


class NotMeasured(TimonelError, ValueError):
    """A number was asked of a metric that has none: look at its state first."""

    code = "not_measured"


_FIX = {
    State.TOO_FEW: "use a longer window",
    State.IMMATURE: "look again once the labels have arrived, or use an estimate",
    State.NO_DATA: "check the window and that predictions or labels are tracked in it",
    State.LEARNING: "wait until the first stable stretch is complete, or give a Reference",
    State.UNDEFINED: "the metric has no meaning on these rows, such as recall without a positive",
}


@total_ordering
@dataclass(frozen=True, eq=False)
class Measured:
    """A metric: a number with its interval, or the reason why there is none.

    It works as a number (`float(m)`, `m < .9`, `f"{m:.3f}"`) while its state is ok, and raises NotMeasured
    otherwise: unknown is neither NaN nor 0. Equality never raises; a metric without a value equals no number.
    """

    value: float | None
    lower: float | None = None
    upper: float | None = None
    n: int = 0
    """Rows that the value rests on."""
    state: State = State.OK

    def __post_init__(self) -> None:
        value, lower, upper = self.value, self.lower, self.upper
        if not (
            (value is None or math.isfinite(value))
            and (lower is None or math.isfinite(lower))
            and (upper is None or math.isfinite(upper))
        ):
            raise ValueError(f"{self!r}: a metric is finite or has a state that says why not")
        if (value is not None) != (self.state is State.OK):
            raise ValueError(f"{self!r}: a metric has a value if and only if its state is ok")

    @classmethod
    def absent(cls, state: State, n: int = 0) -> "Measured":
        """A metric without a value, for the reason given."""
        return cls(None, None, None, n, state)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Measured":
        """The inverse of `to_dict`, also of that of the kinds which say more."""
        kinds = {frozenset(f.name for f in fields(k)): k for k in (cls, *cls.__subclasses__())}
        kind = kinds.get(frozenset(saved), cls)
        known = {f.name: saved[f.name] for f in fields(kind)}
        return kind(**{**known, "state": State(saved["state"])})

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    def __float__(self) -> float:
        if self.value is None:
            raise NotMeasured(
                f"the metric has no value: {self.state} (n={self.n:,})", fix=_FIX[self.state]
            )
        return self.value

    def __lt__(self, other: object) -> bool:
        if isinstance(other, Measured | int | float):
            return float(self) < float(other)
        return NotImplemented

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Measured):
            return type(self) is type(other) and self.to_dict() == other.to_dict()
        if isinstance(other, int | float):
            return self.value is not None and self.value == other
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.value)

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else str(self)

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.state} (n={self.n:,})"
        if self.lower is None or self.upper is None:
            return f"{self.value:.4g} (n={self.n:,})"
        return f"{self.value:.4g} ({self.lower:.4g} to {self.upper:.4g}, n={self.n:,})"

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "value": self.value,
            "lower": self.lower,
            "upper": self.upper,
            "n": self.n,
            "state": self.state.value,
        }
