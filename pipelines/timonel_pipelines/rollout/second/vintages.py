"""Stretches of time since a rollout began whose labels have matured, as the second verdict takes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from timonel.canary import Pair as Counts
from timonel.canary import (
    PairedVintage,
    SecondVerdict,
    Vintage,
    second_verdict,
    second_verdict_paired,
)
from timonel_pipelines.rollout.behaviour.behaviour import Pair
from timonel_pipelines.rollout.behaviour.compare import compared
from timonel_pipelines.rollout.behaviour.log import Stretch, fresh_rows, opened
from timonel_pipelines.rollout.behaviour.names import LABELLED, Wanted

SERVED = """
SELECT p.version, count(*) AS predictions, count(label) AS labelled,
       count(*) FILTER (WHERE label IS NOT NULL AND label IS DISTINCT FROM p.prediction) AS errors
FROM log AS p LEFT JOIN first USING (prediction_id)
WHERE p.model = $model AND p.event_time >= $start AND p.event_time < $stop
  AND p.prediction_id IS NOT NULL AND p.prediction IS NOT NULL AND p.version IN ($old, $new)
GROUP BY p.version
"""
NONE = np.zeros(0, dtype=np.uint64)
ERRORS = (Wanted(LABELLED, LABELLED),)


@dataclass(frozen=True)
class Vintages:
    """The vintages of one rollout. The same ledger gives the same ones, whenever they are asked for."""

    pair: Pair
    start: datetime
    """When requests began to reach the new version."""
    last: datetime
    """No vintage ends later."""
    rollout: str

    def matured(self, now: datetime) -> tuple[Stretch, ...]:
        """Those whose labels are old enough."""
        return tuple(self._until(now))

    def _until(self, now: datetime) -> Iterator[Stretch]:
        config = self.pair.config
        length, delay = config.release.vintage, config.data.label_delay
        start = self.start
        while start + length <= self.last and start + length + delay <= now:
            end = start + length
            yield Stretch(
                config.model.name,
                start,
                end,
                config.release.replay_rows,
                unlabelled=False,
                labels_before=end + delay,
                seed=self.rollout,
            )
            start = end

    def replayed(self, now: datetime) -> SecondVerdict:
        """The verdict from rows that both versions score again."""
        asked = {m.name: m for m in self.pair.config.rollout.metrics or ()}.get(LABELLED)
        rollout = self.pair.config.rollout
        return second_verdict_paired(
            [self._paired(stretch) for stretch in self.matured(now)],
            margin=self._margin,
            harm_margin=0.0 if asked is None else asked.harm_margin,
            alpha_harm=rollout.alpha_harm,
            alpha_promote=rollout.alpha_promote,
            design_effect=1 + (rollout.requests_per_entity - 1) * rollout.entity_correlation,
        )

    def served(self, now: datetime) -> SecondVerdict:
        """The verdict from the rows that each version served: where features are not logged."""
        rollout = self.pair.config.rollout
        return second_verdict(
            [self._counts(stretch) for stretch in self.matured(now)],
            margin=self._margin,
            alpha_harm=rollout.alpha_harm,
            alpha_promote=rollout.alpha_promote,
        )

    @property
    def _margin(self) -> float:
        return self.pair.config.release.second_margin

    def _paired(self, stretch: Stretch) -> PairedVintage:
        table = fresh_rows(self.pair.ledger, stretch, NONE)
        found = compared(self.pair.rows(table, ()), ERRORS)
        both = self._counts(stretch)
        # copies of mirrored requests never get a label: the version that users saw tells what has matured
        served = max(both.stable, both.canary, key=lambda vintage: vintage.matured)
        return PairedVintage(
            stretch.start,
            stretch.stop,
            served.predictions,
            served.labelled,
            found.paired[LABELLED],
        )

    def _counts(self, stretch: Stretch) -> Counts:
        old, new = self.pair.stable.number, self.pair.canary.number
        span = {n: getattr(stretch, n) for n in ("model", "start", "stop")}
        with opened(self.pair.ledger, stretch) as connection:
            rows = connection.execute(SERVED, span | {"old": old, "new": new}).fetchall()
        found = {version: Vintage(*counts) for version, *counts in rows}
        none = Vintage(0, 0, 0)
        return Counts(stretch.start, stretch.stop, found.get(old, none), found.get(new, none))
