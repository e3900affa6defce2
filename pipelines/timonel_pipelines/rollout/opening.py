"""From what the user asked for to a rollout that can be driven."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from timonel.canary import CanaryPlan
from timonel.canary.cutting import base_rates
from timonel.canary.record.chain import Chain
from timonel.canary.record.lease import busy, holder_of
from timonel.config import Config, load_config
from timonel.errors import BadInput
from timonel.ledger import Ledger
from timonel.ledger import Place as LedgerPlace
from timonel_components.register import CHAMPION
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.rollout.behaviour.behaviour import Behaviour, Pair, check
from timonel_pipelines.rollout.behaviour.deciles import with_edges
from timonel_pipelines.rollout.behaviour.names import settled
from timonel_pipelines.rollout.driving.drive import Parts, Tell
from timonel_pipelines.rollout.driving.driver import Driver
from timonel_pipelines.rollout.evidence.counts import Counts
from timonel_pipelines.rollout.evidence.history import earlier_blocks, learnt
from timonel_pipelines.rollout.feasible import check_plan, lasting, values_of
from timonel_pipelines.rollout.promotion.registry import Registry
from timonel_pipelines.rollout.record.state import Phase, Rollouts, State, Store
from timonel_pipelines.rollout.route.stand import Place, Stand

RECENT = timedelta(minutes=15)
"""From how long the traffic to come is told."""


@dataclass(frozen=True)
class Site:
    """One model on this machine: where it is watched, served and kept."""

    settings: Path
    monitor: str | None = None
    """Address of the monitor; by default that of the settings."""
    detector: str | None = None
    """Likewise."""

    @cached_property
    def config(self) -> Config:
        """The settings."""
        return load_config(self.settings)

    @cached_property
    def plan(self) -> CanaryPlan:
        """What the challenger is held to; raises BadInput for what this machine's router cannot do."""
        config = with_edges(self.config, lambda: Path(self.registry.version(CHAMPION).package))
        plan = settled(CanaryPlan.from_config(config))
        check_plan(plan, self.config)
        return plan

    @property
    def counts(self) -> Counts:
        """The monitor."""
        own = self.config.monitoring.monitor
        url = self.monitor or f"http://{own.host}:{own.port}"
        return Counts(url.rstrip("/"), self.config.model.name, os.environ.get("TIMONEL_TOKEN"))

    @property
    def stand(self) -> Stand:
        """What serves."""
        own = self.config.monitoring.detector
        url = self.detector or f"http://{own.host}:{own.port}"
        return Stand(Place(self.config, self.settings.absolute(), url))

    @cached_property
    def registry(self) -> Registry:
        """The registry."""
        return Registry(self.config, Tracking(self.config))

    @property
    def rollouts(self) -> Rollouts:
        """What was rolled out here."""
        return Rollouts(self.config.home / "rollouts" / self.config.model.name)

    @cached_property
    def ledger(self) -> Ledger:
        """Where decisions are kept."""
        return Ledger(LedgerPlace.of(self.config.ledger, os.environ))

    def chain(self, rollout: str) -> Chain:
        """What one rollout writes there."""
        name, lease = self.config.model.name, self.config.release.lease
        return Chain(self.ledger, name, rollout, lease, lambda: datetime.now(UTC))

    def driver(self, store: Store, tell: Tell) -> Driver:
        """Drives a rollout from wherever it stands."""
        release, own = self.config.release, self.config.monitoring.detector
        state = store.load()
        plan = self.plan.with_metrics(state.metrics) if state.metrics else self.plan
        pair = Pair(self.config, self.ledger, state.champion, state.challenger)
        parts = Parts(
            plan=plan,
            counts=self.counts,
            chain=self.chain(store.id),
            stand=self.stand,
            registry=self.registry,
            lag=2 * own.hand_over_every + timedelta(seconds=1),
            approval_within=release.approval_within if release.approval else None,
            hold=release.hold,
            lasting=lasting(self.config),
            values=values_of(plan, self.config),
            behaviour=Behaviour.of(pair, plan, store.folder),
        )
        return Driver(store, parts, tell)

    def begin(self, reference: str, rps: float | None, now: datetime) -> Store:
        """Plan a rollout and write it down; nothing is started yet.

        Raises BadInput for one that cannot be decided, Busy while another one has the turn.
        """
        name, plan = self.config.model.name, self.plan
        held = holder_of(self.ledger.decisions(), name, now)
        if held is not None:
            raise busy(name, held)
        champion, challenger = self.registry.version(CHAMPION), self.registry.version(reference)
        if champion.number == challenger.number:
            raise BadInput(f"version {champion.number} of {name} is the champion already")
        requests = self._requests(rps, now) * plan.block.total_seconds()
        day = self.counts.since(now - timedelta(days=1))
        check(self.config, plan, champion, challenger)
        rates = base_rates(plan, day, champion.number)
        known = learnt(plan, rates, earlier_blocks(self.rollouts, plan.block))
        known.plan.required_traffic(requests, rates)
        store = Store(self.rollouts.folder / f"{now:%Y%m%dT%H%M%S}-{challenger.number}")
        store.save(
            State(
                id=store.id,
                model=name,
                champion=champion,
                challenger=challenger,
                strategy=plan.strategy,
                requests_per_block=requests,
                weight_since=now,
                counted_from=now.replace(minute=0, second=0, microsecond=0),
                replay_from=now,
                metrics=known.plan.metrics,
                learnt=dict(known.said),
            )
        )
        return store

    def _requests(self, rps: float | None, now: datetime) -> float:
        """Requests a second: as said, or as there were lately."""
        if rps is not None:
            return rps
        return self.counts.since(now - RECENT).requests / RECENT.total_seconds()

    def unfinished(self) -> Store:
        """The newest rollout, if it has not ended."""
        store = self.rollouts.store()
        if store.load().phase is Phase.ENDED:
            raise BadInput(f"rollout {store.id} has ended", fix="start another one with --version")
        return store
