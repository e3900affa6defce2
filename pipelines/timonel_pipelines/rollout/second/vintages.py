"""Stretches of time since a rollout began whose labels have matured, as the second verdict takes them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np

from timonel.canary import Pair as Counts
from timonel.canary import (
    PairedVintage,
    Second,
    SecondVerdict,
    Vintage,
    second_verdict,
    second_verdict_paired,
)
from timonel_pipelines.rollout.behaviour.behaviour import Pair
from timonel_pipelines.rollout.behaviour.compare import compared
from timonel_pipelines.rollout.behaviour.log import Log, Stretch, opened
from timonel_pipelines.rollout.behaviour.names import LABELLED, Wanted

SERVED = """
SELECT p.version, count(*) AS predictions, count(label) AS labelled,
       count(*) FILTER (WHERE label IS NOT NULL AND label IS DISTINCT FROM p.prediction) AS errors
FROM log AS p LEFT JOIN first USING (prediction_id)
WHERE p.model = $model AND p.event_time >= $start AND p.event_time < $stop
  AND p.prediction_id IS NOT NULL AND p.prediction IS NOT NULL AND p.version IN ($old, $new)
GROUP BY p.version
"""
T = TypeVar("T")
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
        rollout = self.pair.config.rollout
        asked = {m.name: m for m in rollout.metrics or ()}.get(LABELLED)

        def judged(vintages: Sequence[PairedVintage]) -> SecondVerdict:
            return second_verdict_paired(
                vintages,
                margin=self.pair.config.release.second_margin,
                harm_margin=0.0 if asked is None else asked.harm_margin,
                alpha_harm=rollout.alpha_harm,
                alpha_promote=rollout.alpha_promote,
                design_effect=1 + (rollout.requests_per_entity - 1) * rollout.entity_correlation,
            )

        return self._first(now, self._paired, judged)

    def served(self, now: datetime) -> SecondVerdict:
        """The verdict from the rows that each version served: where features are not logged."""
        rollout = self.pair.config.rollout

        def judged(vintages: Sequence[Counts]) -> SecondVerdict:
            return second_verdict(
                vintages,
                margin=self.pair.config.release.second_margin,
                alpha_harm=rollout.alpha_harm,
                alpha_promote=rollout.alpha_promote,
            )

        return self._first(now, self._counts, judged)

    def _first(
        self,
        now: datetime,
        read: Callable[[Log, Stretch], T],
        judged: Callable[[Sequence[T]], SecondVerdict],
    ) -> SecondVerdict:
        """The first verdict that the vintages give one after the other; later ones do not change it."""
        seen: list[T] = []
        found = judged(seen)
        with opened(self.pair.ledger, self.start) as log:
            for stretch in self.matured(now):
                seen.append(read(log, stretch))
                found = judged(seen)
                if found.verdict is not Second.UNDECIDED:
                    break
        return found

    def _paired(self, log: Log, stretch: Stretch) -> PairedVintage:
        table = log.fresh_rows(stretch, NONE)
        found = compared(self.pair.rows(table, ()), ERRORS)
        both = self._counts(log, stretch)
        # copies of mirrored requests never get a label: the version that users saw tells what has matured
        served = max(both.stable, both.canary, key=lambda vintage: vintage.matured)
        return PairedVintage(
            stretch.start,
            stretch.stop,
            served.predictions,
            served.labelled,
            found.paired[LABELLED],
        )

    def _counts(self, log: Log, stretch: Stretch) -> Counts:
        old, new = self.pair.stable.number, self.pair.canary.number
        span = {n: getattr(stretch, n) for n in ("model", "start", "stop")}
        rows = log.selected(stretch, SERVED, span | {"old": old, "new": new}).fetchall()
        found = {version: Vintage(*counts) for version, *counts in rows}
        none = Vintage(0, 0, 0)
        return Counts(stretch.start, stretch.stop, found.get(old, none), found.get(new, none))
