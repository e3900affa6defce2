"""An episode of drift in the words of an anomaly."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Protocol

from timonel.anomalies.anomaly import Anomaly, Evidence, Phase, Severity, Where
from timonel.anomalies.words import DRIFT, clock, next_step
from timonel.performance.value import Measured

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DriftEpisode(Protocol):
    """What is read of an episode of `timonel.drift.scan`, which stands above this package."""

    @property
    def feature(self) -> str:
        """The feature that drifts."""
        ...

    @property
    def state(self) -> Phase:
        """Where it is."""
        ...

    @property
    def severity(self) -> Severity:
        """The highest so far."""
        ...

    @property
    def scale(self) -> Enum:
        """The pool that shows it most clearly."""
        ...

    @property
    def effect(self) -> float:
        """Now: standard deviations for numbers, total variation for categories."""
        ...

    @property
    def threshold(self) -> float:
        """Of this feature on this scale."""
        ...

    @property
    def peak(self) -> float:
        """The largest effect so far."""
        ...

    @property
    def since(self) -> int:
        """Microseconds since 1970 UTC."""
        ...

    @property
    def updated(self) -> int:
        """Microseconds since 1970 UTC."""
        ...

    @property
    def n(self) -> int:
        """Rows of the pool."""
        ...

    @property
    def evidence(self) -> Mapping[str, float]:
        """Numbers of the pool beside those of the reference."""
        ...


def from_drift(episode: DriftEpisode) -> Anomaly:
    """The same episode: what is observed is the effect, expected is none, up to the threshold."""
    since, updated = (EPOCH + timedelta(microseconds=t) for t in (episode.since, episode.updated))
    first = Evidence(
        f"{episode.feature} is {episode.effect:.2g} from its reference over {episode.scale.value}, "
        f"at most {episode.peak:.2g}, since {clock(since)}; threshold {episode.threshold:.2g}",
        episode.effect,
    )
    known = episode.evidence
    numbers = (
        Evidence(f"{name.replace('_', ' ')} {value:.3g}", value)
        for name, value in known.items()
        if value or known.get(f"{name}_reference")
    )
    return Anomaly(
        what=DRIFT,
        where=Where(feature=episode.feature),
        severity=episode.severity,
        phase=episode.state,
        since=since,
        updated=updated,
        observed=Measured(episode.effect, n=episode.n),
        expected=0.0,
        baseline=(0.0, episode.threshold),
        evidence=(first, *numbers),
        next_step=next_step(DRIFT),
    )
