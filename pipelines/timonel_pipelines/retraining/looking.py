"""What is known now, gathered for the governor: the registry, the log, the chain, a diagnosis."""

import json
import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa

from timonel.config import Config
from timonel.contract import FeatureReader
from timonel.diagnosis import Case, Cause, Diagnosis, Replay, diagnose
from timonel.errors import BadInput
from timonel.ledger import Ledger, Place
from timonel.package import Package
from timonel.reference.classes import class_name
from timonel.retraining import Labels, Request, Situation
from timonel.retraining.loss import Errors
from timonel_components.learning.scoring import probabilities
from timonel_components.learning.skops_io import load_model
from timonel_components.register import CHAMPION
from timonel_components.registry import resolve
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.retraining.log import Read, Served, newest, read, rows
from timonel_pipelines.retraining.record import attempts

CURRENT = timedelta(days=14)
"""How long a stretch a diagnosis looks at where no onset is known."""
LONGEST_REFERENCE = timedelta(days=90)


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
        return Situation(
            time=self.now,
            model=config.model.name,
            version=version,
            trained=self.trained,
            labels=self.found.labels(named(package)),
            recent=self.recent(diagnosis),
            maturity=config.data.label_delay,
            loss=self.found.loss,
            request=request,
            diagnosis=diagnosis,
            attempts=attempts(self.site.ledger.decisions(), config.model.name, self.now),
            previous=self.found.previous,
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
        """Matured labels since the change, where a diagnosis says that the classes' shares moved."""
        if diagnosis is None or diagnosis.cause is not Cause.PRIOR_SHIFT:
            return None
        told = self.matured(self.changed(diagnosis))["label"].to_pylist()
        return Read(counts=Counter(told)).labels(named(self.site.champion[1]))

    def diagnosis(self) -> Diagnosis | None:
        """Why the model is worse than it was; None where the log holds nothing to compare.

        The rows since the alarm, or of the last two weeks, against those before them.
        """
        first, alarm = self.found.first, self.found.loss
        if first is None:
            return None
        begins = self.now - CURRENT if alarm is None or alarm.since is None else alarm.since
        begins = min(max(begins, first), self.now - CURRENT)
        start = max(first, begins - LONGEST_REFERENCE)
        if start >= begins:
            return None
        name, (_, package) = self.site.config.model.name, self.site.champion
        span = (self.site.ledger, name)
        return diagnose(
            Case(
                reference=rows(*span, start, begins, self.now),
                current=rows(*span, begins, self.now, self.now),
                classes=package.contract.classes,
                contract=package.contract,
                replay=replay(package),
                as_of=self.now,
            )
        )


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


def replay(package: Package) -> Replay | None:
    """Scores logged rows again; None for more than two classes, whose score is another thing."""
    if len(package.contract.classes) != 2:
        return None
    pipeline, contract = load_model(package.path / "model.skops"), package.contract

    def score(table: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        batch = FeatureReader(contract).from_table(table)
        return np.asarray(probabilities(pipeline, batch, contract)[:, 1], dtype=np.float64)

    return score
