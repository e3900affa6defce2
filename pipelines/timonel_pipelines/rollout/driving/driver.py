"""The driver: takes one rollout from phase to phase. Each phase may be entered again after a crash.

What will be done is written before it is done, and each thing that is done may be done twice: so a driver
that was killed at any moment is taken up by another one.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from timonel.canary import CanaryJudge, CanaryPlan, Decision, Verdict
from timonel.errors import Busy, Corrupt, TimonelError, Unavailable
from timonel_pipelines.rollout.evidence.blocks import Observed, observe
from timonel_pipelines.rollout.evidence.counts import Counts
from timonel_pipelines.rollout.promotion.registry import Registry, promote
from timonel_pipelines.rollout.record.lease import Chain
from timonel_pipelines.rollout.record.reading import Step
from timonel_pipelines.rollout.record.state import Phase, State, Store
from timonel_pipelines.rollout.route.stand import SETTLE, Stand

GLANCE = 0.5
"""Seconds between two looks for an abort or an approval."""

Tell = Callable[[str, str], None]


@dataclass(frozen=True)
class Parts:
    """All that a driver works with."""

    plan: CanaryPlan
    counts: Counts
    chain: Chain
    stand: Stand
    registry: Registry
    lag: timedelta
    """How long after a change of the weights requests of before may still be counted."""
    approval_within: timedelta | None
    """None: nobody has to approve."""


class Driver:
    """Drives one rollout to its end."""

    def __init__(self, store: Store, parts: Parts, tell: Tell) -> None:
        self.store, self.parts, self.tell = store, parts, tell
        self.state = store.load()

    def run(self) -> State:
        """Go on from wherever it stands; the state at its end."""
        phases: dict[Phase, Callable[[], None]] = {
            Phase.STARTING: self._start,
            Phase.RUNNING: self._observe,
            Phase.APPROVAL: self._await_approval,
            Phase.PROMOTING: self._promote,
            Phase.WITHDRAWING: self._withdraw,
        }
        self.parts.chain.claim(self.state.challenger.number)
        self._catch_up()
        while self.state.phase is not Phase.ENDED:
            try:
                phases[self.state.phase]()
            except (Busy, Unavailable) as error:
                if self.state.phase not in (Phase.STARTING, Phase.RUNNING, Phase.APPROVAL):
                    raise
                # whoever has the turn now decides what serves
                self._give_up(
                    Verdict.INCONCLUSIVE, error.message, hands_off=isinstance(error, Busy)
                )
        return self.state

    def _keep(self, **changed: Any) -> None:
        self.state = self.store.save(self.state.model_copy(update=changed))

    def _catch_up(self) -> None:
        """After a crash: finish a change of the weights that was under way."""
        state = self.state
        if state.phase not in (Phase.RUNNING, Phase.APPROVAL, Phase.PROMOTING):
            return
        self.parts.stand.open()
        actual = self._actual()
        self._serve()
        if actual in (state.weight, state.weight_before):
            self._route(state.weight)
            self._keep(weight_before=state.weight, weight_since=_now())

    def _start(self) -> None:
        state, stand = self.state, self.parts.stand
        stand.open()
        self._serve(renew=True)
        self._route(0)
        stand.stop_others(state.champion.number, state.challenger.number)
        weight = self.parts.plan.weight_at(0)
        self._say(
            Step.STARTED,
            f"version {state.challenger.number} beside version {state.champion.number}, "
            f"{weight} % of the requests",
            champion=state.champion.model_dump(mode="json"),
            challenger=state.challenger.model_dump(mode="json"),
            weight=weight,
            requests_per_block=state.requests_per_block,
        )
        self._change_weight(weight)
        totals = self.parts.counts.since(state.counted_from)
        judge = CanaryJudge(self.parts.plan).state()
        self._keep(phase=Phase.RUNNING, totals=totals, judge=judge, block_end=_now())

    def _serve(self, *, renew: bool = False) -> None:
        """Both versions answer; `renew` gives the champion a process as young as the challenger's."""
        state, stand = self.state, self.parts.stand
        if renew and self._outworn():
            self.tell("champion", "a younger process takes over, for a fair comparison")
            stand.renew(state.champion)
        if stand.serve(state.champion) and not renew:
            self._say(Step.RESTARTED, f"version {state.champion.number} was started anew")
        if stand.serve(state.challenger) and not renew:
            self._keep(restarts=state.restarts + 1)
            self._say(Step.RESTARTED, f"version {state.challenger.number} was started anew")

    def _outworn(self) -> bool:
        """Whether the champion's process is too old to be compared with a new one."""
        number, age = self.state.champion.number, self.parts.plan.baseline_age
        known = self.parts.stand.standing.predictors.get(number)
        if age is None or known is None or not known.child.alive:
            return False
        return _now() - known.child.started > age

    def _actual(self) -> int | None:
        """The challenger's weight in force; None if the two do not share all requests."""
        return self._weight_in(self.parts.stand.router.weights())

    def _weight_in(self, weights: Mapping[str, int]) -> int | None:
        found = dict(weights)
        weight = found.pop(self.state.challenger.number, 0)
        rest = found.pop(self.state.champion.number, 0)
        return None if any(found.values()) or weight + rest != 100 else weight

    def _route(self, weight: int) -> None:
        state = self.state
        self.parts.stand.route(
            {state.champion.number: 100 - weight, state.challenger.number: weight}
        )

    def _change_weight(self, weight: int) -> None:
        self._keep(weight=weight, weight_before=self.state.weight)
        self._route(weight)
        self._keep(weight_before=weight, weight_since=_now())
        self.tell("weight", f"{weight} % of the requests to version {self.state.challenger.number}")

    def _observe(self) -> None:
        """One block."""
        assert self.state.block_end is not None
        if not self._waited(self.state.block_end + self.parts.plan.block):
            return
        self._revive()
        judge = CanaryJudge.restore(self.parts.plan, self.state.judge)
        seen = observe(
            self.state, self.parts.plan, self.parts.counts, self._started(), self.parts.lag
        )
        decision = judge.update(seen.block)
        self._record(seen, decision, judge)
        if decision.final or decision.verdict is Verdict.INCONCLUSIVE:
            self._judged(decision)
        elif decision.weight != self.state.weight:
            self._say(
                Step.WEIGHT,
                f"{decision.weight} % of the requests after {decision.blocks} blocks",
                weight=decision.weight,
                decision=decision.to_dict(),
            )
            self._change_weight(decision.weight)

    def _record(self, seen: Observed, decision: Decision, judge: CanaryJudge) -> None:
        number = self.state.blocks + 1
        self.store.add_block(number, seen.block, decision)
        self._keep(
            blocks=number,
            totals=seen.totals,
            block_end=seen.block.end,
            judge=judge.state(),
            restarts=0,
        )
        self.tell(
            f"block {number}",
            f"{seen.block.canary.requests:,} of "
            f"{seen.block.canary.requests + seen.block.stable.requests:,} requests; "
            f"{decision.verdict.value}: {decision.reasons[0] if decision.reasons else ''}",
        )

    def _judged(self, decision: Decision) -> None:
        verdict, state = decision.verdict, self.state
        self._say(
            Step.JUDGED,
            f"{verdict.value} after {decision.blocks} blocks: {'; '.join(decision.reasons)}",
            champion_digest=state.champion.digest,
            challenger_digest=state.challenger.digest,
            data=state.challenger.data,
            decision=decision.to_dict(),
        )
        phase = Phase.WITHDRAWING
        if verdict is Verdict.PROMOTE:
            phase = Phase.PROMOTING if self.parts.approval_within is None else Phase.APPROVAL
        self._keep(phase=phase, verdict=verdict, reasons=decision.reasons, block_end=_now())

    def _await_approval(self) -> None:
        within, state = self.parts.approval_within, self.state
        assert state.block_end is not None
        approval = self.store.noted("approval")
        if approval is not None and approval["challenger"] == state.challenger.digest:
            self._say(Step.APPROVED, "the promotion was approved", by=approval["by"])
            self._keep(phase=Phase.PROMOTING)
        elif within is not None and _now() > state.block_end + within:
            self._give_up(Verdict.INCONCLUSIVE, "nobody approved the promotion in time")
        elif self._waited(_now() + timedelta(seconds=GLANCE)):
            self._revive()

    def _promote(self) -> None:
        """Bound to what was judged: the digests, the alias, the weights and the turn are looked at again."""
        state, parts = self.state, self.parts
        if not self._untouched():
            return
        try:
            parts.chain.require()
            parts.registry.require_unchanged(state.champion, state.challenger)
            self._say(
                Step.PROMOTING,
                f"champion becomes version {state.challenger.number}, was {state.champion.number}",
                champion_digest=state.champion.digest,
                challenger_digest=state.challenger.digest,
            )
            promote(parts.registry, state.champion, state.challenger)
        except (Busy, Corrupt) as error:
            self._give_up(Verdict.INCONCLUSIVE, f"not promoted: {error.message}")
            return
        self._change_weight(100)
        self._clear_away(state.challenger.number, state.champion.number)
        self._end("promoted: champion is now version " + state.challenger.number)

    def _withdraw(self) -> None:
        state = self.state
        if not state.hands_off:
            self.parts.stand.open()
            self.parts.stand.serve(state.champion)
            challenger = self.parts.stand.standing.predictors.get(state.challenger.number)
            if challenger is not None and challenger.url:
                self._change_weight(0)
            self._clear_away(state.champion.number, state.challenger.number)
        self._end(f"{state.verdict.value}: champion is still version {state.champion.number}")

    def _clear_away(self, stays: str, goes: str) -> None:
        """Take a version that gets no more requests from the router, and stop it."""
        time.sleep(SETTLE)
        self.parts.stand.route({stays: 100})
        self.parts.stand.stop(goes)

    def _end(self, summary: str) -> None:
        self._say(
            Step.ENDED, summary, verdict=self.state.verdict.value, reasons=list(self.state.reasons)
        )
        self._keep(phase=Phase.ENDED)
        self.tell("end", summary)

    def _give_up(self, verdict: Verdict, reason: str, *, hands_off: bool = False) -> None:
        self.tell(verdict.value, reason)
        self._keep(phase=Phase.WITHDRAWING, verdict=verdict, reasons=(reason,), hands_off=hands_off)

    def _waited(self, until: datetime) -> bool:
        """Wait; False if the rollout came to another phase meanwhile: by an abort, or by somebody's hand."""
        while True:
            aborted = self.store.noted("abort")
            if aborted is not None:
                self._give_up(Verdict.ROLLBACK, f"aborted by {aborted['by']}")
                return False
            if not self._untouched():
                return False
            left = (until - _now()).total_seconds()
            if left <= 0:
                self.parts.chain.hold()
                return True
            time.sleep(min(left, GLANCE))

    def _untouched(self) -> bool:
        """Whether the weights in force are those that were set; else nothing is touched any more."""
        try:
            found = self.parts.stand.router.weights()
        except Unavailable:
            return True  # a router that is down is started again with the block
        if self._weight_in(found) == self.state.weight:
            return True
        said = ", ".join(f"version {v} {w} %" for v, w in found.items())
        self._give_up(
            Verdict.INCONCLUSIVE,
            f"somebody changed the weights: {said}; expected {self.state.weight} % for version "
            f"{self.state.challenger.number}. They are left so",
            hands_off=True,
        )
        return False

    def _revive(self) -> None:
        """Start again what has died; the router sends a version nothing while it is away."""
        state, stand = self.state, self.parts.stand
        dead = [v for v in (state.champion, state.challenger) if not stand.alive(v.number)]
        router = stand.standing.router
        if not dead and router is not None and router.alive:
            return
        try:
            stand.open()
            self._serve()
            self._route(state.weight)
            # the router sent the other version all of it meanwhile: that is no mismatch of the split
            self._keep(weight_since=_now())
        except TimonelError as error:
            self.tell("restart", f"failed: {error.message}")

    def _started(self) -> dict[str, datetime]:
        known = self.parts.stand.standing.predictors
        return {number: one.child.started for number, one in known.items()}

    def _say(self, step: Step, summary: str, **numbers: Any) -> None:
        self.parts.chain.say(step, self.state.challenger.number, summary, **numbers)


def _now() -> datetime:
    return datetime.now(UTC)
