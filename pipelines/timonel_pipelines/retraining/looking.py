"""What is known now, gathered for the governor: the registry, the log, the chain, a diagnosis."""

import json
import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from timonel.config import Config
from timonel.diagnosis import Case, Cause, Diagnosis, diagnose
from timonel.errors import BadInput
from timonel.ledger import Ledger, Place
from timonel.package import Package
from timonel.reference.classes import class_name
from timonel.retraining import Labels, Request, Situation
from timonel.retraining.estimated import Signs, signs
from timonel.retraining.loss import Errors
from timonel.tables import read_table
from timonel_components.register import CHAMPION
from timonel_components.registry import resolve
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.retraining.former import CURRENT, Compared, compare, previous, replay
from timonel_pipelines.retraining.log import Read, Served, newest, read, rows
from timonel_pipelines.retraining.record import attempts


@dataclass(frozen=True)
class Site:
    """One model's registry and ledger."""

    config: Config

    @cached_property
    def tracking(self) -> Tracking:
        """MLflow."""
        return Tracking(self.config)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(Place.of(self.config.ledger, os.environ))

    @cached_property
    def champion(self) -> tuple[str, Package]:
        """The version in service and its package."""
        number, package = resolve(self.config, CHAMPION, tracking=self.tracking)
        return str(number), package


@dataclass(frozen=True)
class Look:
    """A look at a model at one moment."""

    site: Site
    now: datetime
    found: Read

    @classmethod
    def at(cls, site: Site, at: datetime | None) -> "Look":
        """By default at the newest moment that the log tells of: time is that of the data."""
        now = at or newest(site.ledger) or datetime.now(UTC)
        return cls(site, now, read(site.ledger, served(site), now))

    @property
    def trained(self) -> datetime:
        """When the version began: it was made, or a replayed log lets it serve earlier."""
        made = datetime.fromisoformat(self.site.champion[1].manifest.origin.created_at)
        made = made if made.tzinfo else made.replace(tzinfo=UTC)
        first = self.found.first
        return min(made, self.now) if first is None else min(made, first)

    def situation(self, request: Request | None, diagnosis: Diagnosis | None) -> Situation:
        """What the governor decides by."""
        version, package = self.site.champion
        config = self.site.config
        seen = self.signs()
        return Situation(
            time=self.now,
            model=config.model.name,
            version=version,
            trained=self.trained,
            labels=self.found.labels(named(package)),
            recent=self.recent(diagnosis),
            maturity=config.data.label_delay,
            parting=parting(config),
            loss=self.found.loss,
            estimate=seen.estimate,
            drift=seen.drift,
            request=request,
            diagnosis=diagnosis,
            attempts=attempts(self.site.ledger.decisions(), config.model.name, self.now),
            previous=self.previous[0] if self.previous else None,
        )

    def signs(self) -> Signs:
        """What the newest two weeks tell without labels, against the rows that the model was examined on."""
        version, package = self.site.champion
        kept = package.path / "reference.parquet"
        if len(package.contract.classes) != 2 or not kept.exists():
            return Signs()
        span = (self.now - CURRENT, self.now, self.now)
        log = rows(self.site.ledger, self.site.config.model.name, *span)
        if not log.num_rows:
            return Signs()
        own = log.filter(pc.equal(log["version"], version))
        threshold = package.manifest.threshold
        return signs(
            read_table(kept), own, package.contract, 0.5 if threshold is None else threshold
        )

    def changed(self, diagnosis: Diagnosis | None) -> datetime:
        """When the change began, as the diagnosis or the alarm says; else two weeks ago."""
        alarm = self.found.loss
        onset = diagnosis.onset if diagnosis else None
        return onset or (alarm.since if alarm else None) or self.now - CURRENT

    def matured(self, since: datetime) -> pa.Table:
        """The log of predictions since a moment whose labels have matured."""
        until = self.now - self.site.config.data.label_delay
        return rows(self.site.ledger, self.site.config.model.name, since, until, self.now)

    def recent(self, diagnosis: Diagnosis | None) -> Labels | None:
        """Matured labels since the change, where only they tell: of moved shares, or a changed concept."""
        if diagnosis is None or diagnosis.cause not in (Cause.PRIOR_SHIFT, Cause.CONCEPT_CHANGE):
            return None
        told = self.matured(self.changed(diagnosis))["label"].to_pylist()
        return Read(counts=Counter(told)).labels(named(self.site.champion[1]))

    def diagnosis(self) -> Diagnosis | None:
        """Why the model is worse than it was; None where the log holds nothing to compare."""
        compared = self.compared
        if compared is None:
            return None
        name, (_, package) = self.site.config.model.name, self.site.champion
        span = (self.site.ledger, name)
        former = self.previous
        return diagnose(
            Case(
                reference=rows(*span, compared.start, compared.turn, self.now),
                current=rows(*span, compared.turn, self.now, self.now),
                classes=package.contract.classes,
                contract=package.contract,
                replay=replay(package),
                previous=replay(former[1]) if former and compared.deployed else None,
                as_of=self.now,
            )
        )

    @property
    def compared(self) -> Compared | None:
        """Which rows the diagnosis compares."""
        alarm = self.found.loss
        since = alarm.since if alarm else None
        return compare(self.found.first, since, self.now, former=self.previous is not None)

    @cached_property
    def previous(self) -> tuple[str, Package] | None:
        """The version that served before this one, if its package can still be had."""
        version, _ = self.site.champion
        return previous(self.site.config, self.site.tracking, version, self.found.previous)


def parting(config: Config) -> timedelta:
    """The time that rows must span until a third of the smaller of the parts before the test is free of
    embargo.
    """
    shares, embargo = config.split, config.split.embargo
    smallest = min(shares.validation, 1 - shares.validation - shares.test)
    return 1.5 * (config.data.label_delay if embargo is None else embargo) / smallest


def served(site: Site) -> Served:
    """The champion as its log is read."""
    version, package = site.champion
    config = site.config
    return Served(
        config.model.name,
        version,
        named(package),
        config.data.label_delay,
        usual(package),
        config.retraining.run_length,
    )


def named(package: Package) -> tuple[str, ...]:
    """The classes as the ledger writes them."""
    if not package.contract.classes:
        raise BadInput(
            f"{package.manifest.model} is a ranking: its retraining is not governed",
            fix="train it by a schedule: timonel pipeline schedule",
        )
    return tuple(class_name(c) for c in package.contract.classes)


def usual(package: Package) -> Errors | None:
    """How often the model was wrong on the rows that it was examined on."""
    accuracy = package.manifest.metrics.get("accuracy")
    path = package.path / "reference.json"
    if accuracy is None or not path.exists():
        return None
    n = int(json.loads(path.read_text(encoding="utf-8"))["evaluated_rows"])
    return Errors(round((1 - accuracy) * n), n)
