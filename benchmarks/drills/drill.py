"""One incident from healthy to recovered: what `timonel retrain --if-due` decides, day by day, and does."""

import time
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from world import DAY, DAYS, SERVED, Scorer, Service, World, model_of, traffic

from timonel.diagnosis import Cause
from timonel.faults import INCIDENTS, Severity
from timonel.ledger import Record
from timonel.retraining import Answer, Outcome
from timonel_components.register import CHAMPION
from timonel_pipelines.display import story
from timonel_pipelines.retraining.doing import CARRIED_OUT, Judged, carry_out, judge, record
from timonel_pipelines.retraining.looking import Look, Site
from timonel_pipelines.rollout.promotion.aliases import LAST_KNOWN_GOOD

STRUCK, ASKED = 30, (33, 37, 41, 45, 52)
"""The day of the onset, and those on which the schedule asks."""
AFTER = 28
"""Days that go by once something was done."""
COLUMNS = {
    "": ("start_lng",),
    "unit_change": ("distance_mi",),
    "category_rename": ("season",),
    "segment_outage": ("twilight",),
    "column_swap": ("start_lat", "start_lng"),
}
NO_COLUMNS = {
    *("bad_deploy", "prior_shift", "label_delay", "label_noise", "slow_dependency"),
    *("null_predictions", "duplicate_rows", "delayed_rows"),
}
BROKEN = (Cause.DATA_QUALITY, Cause.SERVING_SKEW, Cause.INFRASTRUCTURE, Cause.LABEL_ARTEFACT)
RIGHT = {
    **dict.fromkeys(BROKEN, (Answer.VETO,)),
    Cause.PRIOR_SHIFT: (Answer.RECALIBRATE, Answer.MOVE_THRESHOLD),
    Cause.COVARIATE_SHIFT: (Answer.RETRAIN,),
    Cause.CONCEPT_CHANGE: (Answer.RETRAIN,),
    Cause.DEPLOY: (Answer.ROLL_BACK,),
    Cause.BENIGN: (Answer.NONE, Answer.WAIT),
}


@dataclass(frozen=True)
class Loss:
    """The log loss of the scores, and its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, rows: pa.Table) -> "Loss":
        """Of the rows that have a score and a label."""
        judged = rows.filter(pc.and_(pc.is_valid(rows["label"]), pc.is_valid(rows["score"])))
        score, label = judged["score"].to_numpy(), judged["label"].to_numpy()
        loss = -np.log(np.maximum(np.where(label == 1, score, 1 - score), 1e-6))
        return cls(float(loss.mean()), float(loss.std()) / max(len(loss), 1) ** 0.5)

    def above(self, other: "Loss") -> bool:
        """Whether it is higher by more than chance, at two standard errors."""
        return self.mean - other.mean > 2 * (self.error**2 + other.error**2) ** 0.5


@dataclass(frozen=True)
class Drilled:
    """What became of an incident."""

    incident: str
    truth: Cause
    cause: str
    answer: Answer
    day: int
    """Since the onset, when the answer was given."""
    losses: tuple[Loss, Loss, Loss]
    """Before, during, and after what was done."""
    at_rest: bool
    """Whether in the end nothing asks for anything any more."""
    seconds: float

    @property
    def hurt(self) -> bool:
        """Whether the model got worse at all."""
        return self.losses[1].above(self.losses[0])

    @property
    def right(self) -> bool:
        """What was right to do; of what hurts nobody also nothing."""
        quiet = self.answer in (Answer.NONE, Answer.WAIT)
        return self.answer in RIGHT[self.truth] or (quiet and not self.hurt)

    @property
    def harmful(self) -> bool:
        """Whether the model was changed, and should not have been."""
        return self.answer.acts and not self.right

    @property
    def recovered(self) -> bool | None:
        """Whether the loss came down and nothing is due; None where it had not risen, or for a season."""
        before, during, after = self.losses
        if not self.hurt or self.truth is Cause.BENIGN:
            return None
        return self.at_rest and (during.above(after) or not after.above(before))


def drill(world: World, name: str, severity: Severity, seed: int) -> Drilled:
    """Serve healthy days, strike, ask on the days of the schedule, act, and go on."""
    began = time.perf_counter()
    kind, rows, first = INCIDENTS[name], traffic(seed), world.scorer("1")
    healthy = first.serve(rows)
    struck = _struck(world, name, severity, healthy, first, seed)
    with world.site(f"{name}-{severity.value}") as service:
        service.log(_days(struck, 0, STRUCK))
        if name == "bad_deploy":
            world.aliases.pin(CHAMPION, "2")
        judged, day = _asked(world, service, struck)
        vetoed = judged.decision.answer is Answer.VETO
        mended = rows if vetoed and kind.cause in BROKEN else None
        later = _later(world.scorer(), mended, struck, day)
        service.log(later)
        rest = judge(Look.at(Site(service.config), None), None).decision.answer
    losses = (_days(struck, 0, STRUCK), _days(struck, STRUCK, day), later)
    before, during, after = (Loss.of(part) for part in losses)
    diagnosis = judged.diagnosis
    found = "nothing" if diagnosis is None else str(diagnosis.cause or diagnosis.state.value)
    return Drilled(
        name,
        kind.cause,
        found,
        judged.decision.answer,
        day - STRUCK,
        (before, during, after),
        rest in (Answer.NONE, Answer.WAIT),
        time.perf_counter() - began,
    )


def _later(champion: Scorer, mended: pa.Table | None, struck: pa.Table, day: int) -> pa.Table:
    """The days after: a fault that was vetoed is mended, and only another version answers anew."""
    end = min(day + AFTER, DAYS)
    if mended is not None:
        return champion.serve(_days(mended, day, end))
    later = _days(struck, day, end)
    same = pc.all(pc.equal(later["version"], champion.version)).as_py()
    return later if same else champion.serve(later)


def _struck(
    world: World, name: str, severity: Severity, healthy: pa.Table, first: Scorer, seed: int
) -> pa.Table:
    onset = SERVED + STRUCK * DAY
    if name == "bad_deploy":
        before, after = _days(healthy, 0, STRUCK), _days(healthy, STRUCK, DAYS)
        return pa.concat_tables([before, world.scorer("2").serve(after)])
    fields = INCIDENTS[name].__dataclass_fields__
    given: dict[str, object] = {} if name in NO_COLUMNS else {"columns": _columns(name)}
    if "model" in fields:
        given["model"] = model_of(first)
    incident = INCIDENTS[name](onset=onset, severity=severity, **given)
    return incident.apply(healthy, np.random.default_rng(seed)).table


def _columns(name: str) -> tuple[str, ...]:
    return COLUMNS.get(name, COLUMNS[""])


def _asked(world: World, service: Service, struck: pa.Table) -> tuple[Judged, int]:
    """The first answer that is more than to wait and can be carried out, and its day; else the last one."""
    logged = STRUCK
    for day in ASKED:
        service.log(_days(struck, logged, day))
        logged = day
        look = Look.at(Site(service.config), _on(day))
        judged = judge(look, None)
        decided, answer = record(look, judged), judged.decision.answer
        if answer is Answer.VETO or (
            answer in CARRIED_OUT and _acted(world, service, look, judged, decided)
        ):
            break
    return judged, day


def _acted(world: World, service: Service, look: Look, judged: Judged, decided: Record) -> bool:
    """Do what the command does; a new version is then promoted as a rollout would. False: it failed."""
    with story(0, quiet=True) as watcher:
        done = carry_out(look, judged, decided, service.path, watcher)
    if done.releasable:
        was = str(judged.situation.version)
        world.aliases.move(CHAMPION, was, str(done.version))
        world.aliases.pin(LAST_KNOWN_GOOD, was)
    return done.outcome is Outcome.DONE


def _days(rows: pa.Table, start: int, end: int) -> pa.Table:
    """The rows of some days, by event time."""
    time = rows["event_time"]
    return rows.filter(pc.and_(pc.greater_equal(time, _on(start)), pc.less(time, _on(end))))


def _on(day: int) -> datetime:
    return SERVED + day * DAY
