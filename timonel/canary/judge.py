"""The judge: blocks in, a decision out, at any time and as often as one likes."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from timonel.canary import mismatch, words
from timonel.canary.block import Block
from timonel.canary.counted import Counted
from timonel.canary.decision import Decision
from timonel.canary.folding import Read, folded, read, states
from timonel.canary.plan import CanaryPlan
from timonel.canary.standing import Logs, Shares, as_e, evidence, harms, logs, shares, unsafe
from timonel.canary.state import JudgeState, opened, sealed
from timonel.canary.verdict import Facts, Verdict, decide
from timonel.terms import Strategy

AT_ONCE = 256
"""Blocks whose arithmetic is done together in a replay."""

Last = tuple[Read, tuple[str, ...], Logs]
"""The last block, the crude limits it broke, and the evidence after it."""


class CanaryJudge:
    """Judges a canary block by block. The same blocks give the same decision, to the bit.

    >>> from datetime import datetime, timedelta, UTC
    >>> from timonel.canary import Arm, Block, CanaryPlan, Metric
    >>> judge = CanaryJudge(CanaryPlan([Metric("errors", margin=0.002)], steps=(5,)))
    >>> at, minute = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=1)
    >>> for i in range(200):
    ...     stable, canary = Arm(2850, {"errors": 14}), Arm(150, {"errors": 2})
    ...     d = judge.update(Block(at + i * minute, at + (i + 1) * minute, stable, canary))
    ...     if d.final:
    ...         break
    >>> d.verdict.value, d.blocks
    ('rollback', 11)
    """

    def __init__(self, plan: CanaryPlan, state: JudgeState | None = None) -> None:
        self.plan = plan
        self._known = state or JudgeState.start(plan)
        self._last: Last | None = None

    @property
    def _state(self) -> JudgeState:
        """With the outcome of the last block, whose sentences are written only when asked for."""
        if self._last is not None:
            outcome = decide(_facts(self.plan, self._known, *self._last))
            self._known, self._last = replace(self._known, outcome=outcome), None
        return self._known

    @classmethod
    def restore(cls, plan: CanaryPlan, data: bytes) -> "CanaryJudge":
        """Take up where `state` was taken. Raises Corrupt for damaged bytes, BadInput for another plan."""
        return cls(plan, opened(plan, data))

    def state(self) -> bytes:
        """All that the judge remembers, sealed."""
        return sealed(self.plan, self._state)

    def update(self, block: Block) -> Decision:
        """Judge one more block; after a final decision nothing changes any more.

        Raises BadInput for a block that overlaps one before, or whose counts cannot be.
        """
        self._fold([block])
        return self.decision()

    def replay(self, blocks: Iterable[Block]) -> Decision:
        """Judge many blocks, up to the final decision.

        Where it raises, the judge stands as it did some blocks before.
        """
        coming = iter(blocks)
        while not self._known.outcome.final and (some := list(islice(coming, AT_ONCE))):
            self._fold(some)
        return self.decision()

    def decision(self) -> Decision:
        """Where the release stands after the blocks so far."""
        state = self._state
        outcome = state.outcome
        return Decision(
            outcome.verdict,
            outcome.final,
            outcome.reasons,
            state.blocks,
            self.plan.max_blocks,
            state.canary_requests,
            _weight(self.plan, state),
            evidence(self.plan, state),
        )

    def _fold(self, blocks: Sequence[Block]) -> None:
        if self._known.outcome.final:
            return
        found = read(self.plan, self._known, blocks)
        after = states(self.plan, self._known, found)
        held = [x.tolist() for x in shares(self.plan, after)]
        for i, (one, *rows) in enumerate(zip(found, *held, strict=True)):
            self._judge(one, after.at(i), (rows[0], rows[1], rows[2]))
            if self._known.outcome.final:
                return

    def _judge(self, found: Read, counted: Counted, held: Shares) -> None:
        state, guards = folded(self.plan, self._known, found, counted)
        known = logs(self.plan, state, held)
        self._known = _raised(self.plan, state, found.block, known) if found.sound else state
        self._last = (found, guards, known)
        if _may_end(self.plan, self._known, guards, known):
            self._known = self._state


def _weight(plan: CanaryPlan, state: JudgeState) -> int:
    """Traffic of the canary from here on, in percent."""
    if state.outcome.verdict is Verdict.ROLLBACK:
        return 0
    if state.outcome.verdict is Verdict.PROMOTE and plan.strategy is not Strategy.SHADOW:
        return 100
    return plan.weight_at(state.step)


def _may_end(plan: CanaryPlan, state: JudgeState, guards: tuple[str, ...], held: Logs) -> bool:
    """Whether a block can be the last: if not, nobody needs its sentences."""
    if guards or state.blocks >= plan.max_blocks or _mismatch(plan, state):
        return True
    if next(harms(plan, held), None) is not None:
        return True
    return _rising(plan, state) is None and not unsafe(plan, held)


def _raised(plan: CanaryPlan, state: JudgeState, block: Block, held: Logs) -> JudgeState:
    """On the next step of the traffic, once this one's part of the evidence of safety is there."""
    on_weight = block.weight is None or block.weight >= plan.weight_at(state.step)
    held_for = state.step_blocks + on_weight
    part = (state.step + 1) / (plan.last_step + 1) * math.log(plan.safe_bar)
    shown = min(held.safe.values(), default=math.inf) >= part
    if state.step < plan.last_step and held_for >= plan.hold_blocks and shown:
        return replace(state, step=state.step + 1, step_blocks=0)
    return replace(state, step_blocks=held_for)


def _facts(
    plan: CanaryPlan, state: JudgeState, seen: Read, guards: tuple[str, ...], held: Logs
) -> Facts:
    harmed, waiting = list(harms(plan, held)), unsafe(plan, held)
    rising = _rising(plan, state)
    done = not waiting and not rising
    told = evidence(plan, state) if harmed or done else {}
    return Facts(
        guards=guards,
        mismatch=_mismatch(plan, state),
        harms=tuple(words.harmed(m, told[m.name]) for m in harmed),
        lacking=seen.lacking,
        lacking_for=state.lacking_for,
        patience=plan.patience,
        uneven=seen.uneven,
        warming=seen.warming,
        unsafe=tuple(
            words.not_yet(m, as_e(held.safe[m.name]), plan.safe_bar, held.rows[m.name])
            for m in waiting
        ),
        safe=tuple(words.shown_safe(m, told[m.name]) for m in plan.metrics if m.required and told),
        rising=rising,
        blocks=state.blocks,
        max_blocks=plan.max_blocks,
        strategy=plan.strategy,
    )


def _mismatch(plan: CanaryPlan, state: JudgeState) -> str | None:
    log_e = mismatch.log_e(state.mismatch)
    if log_e < -math.log(mismatch.ALPHA):
        return None
    return (
        f"sample-ratio mismatch: the canary's share of the requests is not what the route was set to, "
        f"by more than {100 * plan.largest_imbalance:.0f} % of its odds; evidence "
        f"{words.number(as_e(log_e))}, {1 / mismatch.ALPHA:,.0f} suffices. "
        "The arms cannot be compared"
    )


def _rising(plan: CanaryPlan, state: JudgeState) -> str | None:
    if state.canary_requests < plan.min_requests:
        return f"the canary has had {state.canary_requests:,} of {plan.min_requests:,} requests"
    if state.step < plan.last_step:
        return f"the canary is on step {state.step + 1} of {plan.last_step + 1} of its traffic"
    if state.step_blocks < plan.hold_blocks:
        return f"{state.step_blocks} of {plan.hold_blocks} blocks on the last step of the traffic"
    return None
