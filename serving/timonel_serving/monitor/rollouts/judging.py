"""One block of a rollout that is judged here: cut from the counts, judged, and told."""

from datetime import datetime, timedelta

from timonel.canary import CanaryJudge, Decision, Verdict
from timonel.canary.cutting import Versions, cut
from timonel_serving.monitor.rollouts import looking
from timonel_serving.monitor.rollouts.looking import Source
from timonel_serving.monitor.rollouts.state import Happened, Hosted, Kind, Point, thinned


def judged(source: Source, one: Hosted, now: datetime, silence: timedelta) -> Hosted:
    """After the block that ends now; a detector may be silent for `silence`, or for a block."""
    judge = CanaryJudge.restore(one.plan, one.judge)
    found = looking.totals_since(source, one.counted_from)
    block = cut(
        one.plan,
        Versions(one.stable, one.canary),
        one.totals,
        found,
        (one.block_end, now),
        weight=one.weight if one.block_end >= one.steady_from else None,
        doubts=tuple(looking.silences(source, one.opened, now, max(one.plan.block, silence))),
    )
    decision = judge.update(block)
    after = one.model_copy(
        update={
            "totals": found,
            "block_end": now,
            "judge": judge.state(),
            "decision": decision.to_dict(),
            "course": thinned((*one.course, Point.of(now, decision, one.weight))),
        }
    )
    return _told(one, after, decision, now)


def _told(before: Hosted, after: Hosted, decision: Decision, now: datetime) -> Hosted:
    """With the step that a decision is, if it says something new."""
    if decision.final or decision.verdict is not before.verdict:
        verdict = "goes on" if decision.verdict is Verdict.CONTINUE else decision.verdict.value
        said = f"{verdict} after {decision.blocks} blocks"
        return after.after(Happened(at=now, step=Kind.JUDGED, said=said, reasons=decision.reasons))
    return after
