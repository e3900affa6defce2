"""Carries a decision out, and records what became of it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml
from pydantic import JsonValue

from timonel.config import Candidate, parse_config
from timonel.diagnosis import Diagnosis
from timonel.durations import format_duration
from timonel.ledger import Record
from timonel.retraining import Answer, Decision, Outcome, Request, Situation, WindowHint, decide
from timonel.retraining.window import Choice
from timonel.terms import Window
from timonel_components.register import CHAMPION
from timonel_components.retraining.window import choose
from timonel_pipelines.result import Trained
from timonel_pipelines.retraining.looking import Look, Site
from timonel_pipelines.retraining.record import Chain
from timonel_pipelines.retraining.revising import Revised, revised
from timonel_pipelines.retraining.training import Trainer
from timonel_pipelines.rollout.promotion.aliases import Aliases
from timonel_pipelines.running import Source

CARRIED_OUT = tuple(answer for answer in Answer if answer.acts)
"""The answers that `carry_out` knows; the others are for a person, or for later."""


@dataclass(frozen=True)
class Judged:
    """What was found and decided."""

    situation: Situation
    diagnosis: Diagnosis | None
    decision: Decision


@dataclass(frozen=True)
class Done:
    """What became of a decision."""

    outcome: Outcome
    summary: str
    version: str | None = None
    training: Trained | None = None
    window: dict[str, JsonValue] | None = None
    revised: Revised | None = None
    """Of a version that was made without a training."""

    @property
    def releasable(self) -> bool:
        """Whether there is a new version to roll out."""
        return self.version is not None and (self.training is not None or self.revised is not None)


def judge(look: Look, request: Request | None) -> Judged:
    """Diagnose and decide; nothing is written."""
    diagnosis = look.diagnosis()
    situation = look.situation(request, diagnosis)
    return Judged(situation, diagnosis, decide(situation, look.site.config.retraining))


def record(look: Look, judged: Judged) -> Record:
    """Write the diagnosis and the decision to the chain."""
    chain = _chain(look)
    found = chain.diagnosed(judged.diagnosis) if judged.diagnosis else None
    return chain.decided(judged.decision, found)


def carry_out(look: Look, judged: Judged, decided: Record, path: Path, trainer: Trainer) -> Done:
    """Do what was decided, once; raises Busy if somebody else does it, and the error that stopped it."""
    chain, decision = _chain(look), judged.decision
    act = {Answer.RETRAIN: _retrain, Answer.ROLL_BACK: _roll_back}.get(decision.answer, _revise)
    chain.started(decision, decided)
    try:
        done = act(look, judged, path, trainer)
    except BaseException as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        chain.ended(decision, Outcome.FAILED, f"failed: {what}")
        raise
    chain.ended(decision, done.outcome, done.summary, **_facts(done))
    return done


def _chain(look: Look) -> Chain:
    version, _ = look.site.champion
    return Chain(look.site.ledger, look.site.config.model.name, version, look.now)


def _facts(done: Done) -> dict[str, JsonValue]:
    training, revised = done.training, done.revised
    facts: dict[str, JsonValue] = {"version": done.version, "window": done.window}
    if revised is not None:
        facts |= {
            "run": revised.run,
            "package_digest": revised.digest,
            "change": dict(revised.change),
            "gates": [gate.model_dump(mode="json") for gate in revised.gates.results],
        }
    if training is not None:
        facts |= {
            "run": training.tracking_run,
            "data_version": training.data_version,
            "package_digest": training.package_digest,
            "gates": [gate.model_dump(mode="json") for gate in training.gates],
        }
    return facts


def _retrain(look: Look, judged: Judged, path: Path, trainer: Trainer) -> Done:
    """Run the pipeline on the window that was decided or does best."""
    decision = judged.decision
    settings = {} if decision.window is None else _rows(look.site, decision.window)
    training = trainer(_source(path, look.site, settings, decision.key))
    if training.version is not None:
        said = f"version {training.version} was registered"
        return Done(Outcome.DONE, said, str(training.version), training, settings)
    failed = "; ".join(gate.sentence or str(gate) for gate in training.failures)
    return Done(Outcome.FAILED, f"the model failed its gates: {failed}", None, training, settings)


def _revise(look: Look, judged: Judged, path: Path, trainer: Trainer) -> Done:
    """A version that is the champion recalibrated, or with another threshold."""
    answer = judged.decision.answer
    made = revised(look, answer, look.changed(judged.diagnosis))
    if made.version is None:
        failed = "; ".join(gate.sentence or str(gate) for gate in made.gates.failures)
        return Done(Outcome.FAILED, f"the version failed its gates: {failed}", revised=made)
    was = "recalibrated" if answer is Answer.RECALIBRATE else "given another threshold"
    said = f"version {judged.situation.version} {was} was registered as version {made.version}"
    return Done(Outcome.DONE, said, made.version, revised=made)


def _roll_back(look: Look, judged: Judged, path: Path, trainer: Trainer) -> Done:
    """Point the champion's alias back, if it still names the version that was judged."""
    aliases = Aliases(look.site.tracking, look.site.config.model.name)
    version, previous = str(judged.situation.version), str(judged.situation.previous)
    aliases.move(CHAMPION, version, previous)
    return Done(Outcome.DONE, f"the champion is version {previous} again", previous)


def _source(path: Path, site: Site, settings: dict[str, JsonValue], request: str) -> Source:
    """The settings of the pipeline, with the rows to learn from, and with the gates against the champion."""
    source = Source.of(site.config, path)
    document = yaml.safe_load(source.text)
    document["train"] = (document.get("train") or {}) | settings
    examined = document.get("evaluation") or {}
    document["evaluation"] = examined | {"challenge": examined.get("challenge") or {}}
    text = yaml.safe_dump(document, sort_keys=False)
    return Source(parse_config(text, base=site.config.base), text, source.commit, request)


def _rows(site: Site, hint: WindowHint) -> dict[str, JsonValue]:
    """Settings of section `train` for a window; empty where no moment of change is known."""
    since = hint.since
    if since is None:
        return {}
    choice = choose(site.config, Candidate(site.champion[1].manifest.candidate), since)
    window = choice.window if hint.window is Window.CHOOSE else hint.window
    if window not in choice.losses:
        window = Window.ALL  # too few rows since the change to learn from them alone
    return _settings(window, since, choice)


def _settings(window: Window, since: datetime, choice: Choice) -> dict[str, JsonValue]:
    if window is Window.ALL:
        return {"half_life": format_duration(choice.half_life)}
    kept: dict[str, JsonValue] = {"since": since.isoformat()}
    reservoir = choice.recent if window is Window.RESERVOIR else 0
    return kept | ({"reservoir": reservoir} if reservoir else {})
