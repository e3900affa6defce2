"""One incident from healthy to recovered: what `timonel retrain --if-due` decides, day by day, and does."""

import time
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from world import DAY, DAYS, SERVED, Scorer, Service, World, model_of, traffic

from timonel.diagnosis import Cause
from timonel.faults import INCIDENTS, Severity
from timonel.faults.layout import FloatArray
from timonel.ledger import Record
from timonel.retraining import Answer, Outcome
from timonel_components.register import CHAMPION
from timonel_pipelines.display import story
from timonel_pipelines.retraining.doing import CARRIED_OUT, Judged, carry_out, judge, record
from timonel_pipelines.retraining.looking import Look, Site
from timonel_pipelines.retraining.training import Here
from timonel_pipelines.rollout.promotion.aliases import LAST_KNOWN_GOOD

STRUCK, ASKED, LAST = 30, (33, 37, 41, 45, 52, 59), 66
"""The day of the onset, those on which the schedule asks, and the first of the days that tell the end."""
COSTS = np.array([1.0, 3.0])
"""Of a false positive and a false negative, as the example has them."""
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
class Mean:
    """A mean over rows, and its standard error."""

    value: float
    error: float

    @classmethod
    def of(cls, values: FloatArray) -> "Mean":
        """Of the values of independent rows."""
        return cls(float(values.mean()), float(values.std()) / len(values) ** 0.5)

    def above(self, other: "Mean") -> bool:
        """Whether it is higher by more than chance, at two standard errors."""
        return self.value - other.value > 2 * (self.error**2 + other.error**2) ** 0.5


def losses(rows: pa.Table) -> tuple[Mean, Mean]:
    """Log loss of the scores and cost of the decisions, of the rows that have both and a label."""
    judged = rows.filter(pc.and_(pc.is_valid(rows["label"]), pc.is_valid(rows["score"])))
    score, label = judged["score"].to_numpy(), judged["label"].to_numpy()
    log_loss = -np.log(np.maximum(np.where(label == 1, score, 1 - score), 1e-6))
    wrong = judged["prediction"].to_numpy() != label
    return Mean.of(log_loss), Mean.of(wrong * COSTS[label])


@dataclass(frozen=True)
class Drilled:
    """What became of an incident."""

    incident: str
    truth: Cause
    cause: str
    answers: tuple[Answer, ...]
    """What was done, or vetoed, in order; empty if nothing."""
    day: int | None
    """Since the onset, of the first of them."""
    before: tuple[Mean, Mean]
    during: tuple[Mean, Mean]
    """From the onset to the first answer, or to the last day on which the schedule asked."""
    after: tuple[Mean, Mean]
    """Of the last two weeks."""
    at_rest: bool
    """Whether in the end nothing asks for anything any more."""
    seconds: float

    @property
    def risen(self) -> list[int]:
        """Which of the two losses the incident raised."""
        return [k for k in range(2) if self.during[k].above(self.before[k])]

    @property
    def harmful(self) -> bool:
        """Whether the model was ever changed in a way that its cause does not ask for."""
        return any(one.acts and one not in self.rightful for one in self.answers)

    @property
    def rightful(self) -> tuple[Answer, ...]:
        """What may be done; a season that raised a loss may be learnt."""
        learnt = (Answer.RETRAIN,) if self.truth is Cause.BENIGN and self.risen else ()
        return RIGHT[self.truth] + learnt

    @property
    def right(self) -> bool:
        """What was right to do came first; of what raised no loss also nothing."""
        if not self.answers:
            return not self.risen or self.truth is Cause.BENIGN
        return self.answers[0] in self.rightful and not self.harmful

    @property
    def recovered(self) -> bool | None:
        """Whether what had risen came down and nothing is due; None where nothing had, or for a season."""
        if not self.risen or self.truth is Cause.BENIGN:
            return None
        before, during, after = self.before, self.during, self.after
        return self.at_rest and all(
            during[k].above(after[k]) or not after[k].above(before[k]) for k in self.risen
        )


def drill(world: World, name: str, severity: Severity, seed: int) -> Drilled:
    """Serve healthy days, strike, ask on the days of the schedule, do what is answered, to the last day."""
    began = time.perf_counter()
    rows, first = traffic(seed), world.scorer("1")
    struck = _struck(world, name, severity, first.serve(rows), first, seed)
    with world.site(f"{name}-{severity.value}") as service:
        service.log(_days(struck, 0, STRUCK))
        if name == "bad_deploy":
            world.aliases.pin(CHAMPION, "2")
        played = Play(world, service, rows, struck, INCIDENTS[name].cause)
        for day, until in zip(ASKED, (*ASKED[1:], DAYS), strict=True):
            played.serve(day)
            played.ask(day)
            played.serve(until)
        rest = judge(Look.at(Site(service.config), None), None).decision.answer
    acted = played.first or ASKED[-1]
    return Drilled(
        name,
        INCIDENTS[name].cause,
        played.cause,
        tuple(played.answers),
        None if played.first is None else played.first - STRUCK,
        losses(_days(struck, 0, STRUCK)),
        losses(_days(struck, STRUCK, acted)),
        losses(_days(pa.concat_tables(played.served, promote_options="permissive"), LAST, DAYS)),
        rest in (Answer.NONE, Answer.WAIT),
        time.perf_counter() - began,
    )


@dataclass
class Play:
    """One incident as it goes on."""

    world: World
    service: Service
    rows: pa.Table
    struck: pa.Table
    truth: Cause
    logged: int = STRUCK
    mended: bool = False
    cause: str = "nothing"
    """As the diagnosis of the first answer, or else the last diagnosis, names it."""
    first: int | None = None
    answers: list[Answer] = field(default_factory=list)
    served: list[pa.Table] = field(default_factory=list)

    def serve(self, until: int) -> None:
        """The days up to this one, by the champion; a fault that was vetoed is mended."""
        if self.logged == until:
            return
        champion = self.world.scorer()
        part = _days(self.rows if self.mended else self.struck, self.logged, until)
        # an answer of the version that the incident struck stays as it was
        if self.mended or not pc.all(pc.equal(part["version"], champion.version)).as_py():
            part = champion.serve(part)
        self.service.log(part)
        self.served.append(part.select(["event_time", "score", "prediction", "label"]))
        self.logged = until

    def ask(self, day: int) -> None:
        """What the schedule's command does; a new version is then promoted as a rollout would."""
        look = Look.at(Site(self.service.config), _on(day))
        judged = judge(look, None)
        decided, answer = record(look, judged), judged.decision.answer
        found = judged.diagnosis
        if self.first is None and found is not None:
            self.cause = str(found.cause or found.state.value)
        done = answer in CARRIED_OUT and self._acted(look, judged, decided)
        if not done and answer is not Answer.VETO:
            return
        self.first = self.first or day
        self.answers.append(answer)
        self.mended |= answer is Answer.VETO and self.truth in BROKEN

    def _acted(self, look: Look, judged: Judged, decided: Record) -> bool:
        with story(0, quiet=True) as watcher:
            done = carry_out(look, judged, decided, self.service.path, Here(watcher))
        if done.releasable:
            was = str(judged.situation.version)
            self.world.aliases.move(CHAMPION, was, str(done.version))
            self.world.aliases.pin(LAST_KNOWN_GOOD, was)
        return done.outcome is Outcome.DONE


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


def _days(rows: pa.Table, start: int, end: int) -> pa.Table:
    """The rows of some days, by event time."""
    time = rows["event_time"]
    return rows.filter(pc.and_(pc.greater_equal(time, _on(start)), pc.less(time, _on(end))))


def _on(day: int) -> datetime:
    return SERVED + day * DAY
