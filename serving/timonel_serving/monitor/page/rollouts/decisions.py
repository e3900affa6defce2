"""What was decided about a model, on its own page: in plain words, each rollout with the way to its page."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from timonel_serving.monitor.page.rollouts import words
from timonel_serving.monitor.page.rollouts.words import Look, Standing
from timonel_serving.monitor.rollouts.story import Story, Told, told_of

if TYPE_CHECKING:
    from timonel.ledger import Record

MOST_ROLLOUTS = 10


@dataclass(frozen=True, slots=True)
class Decided:
    """One record of the chain."""

    at: datetime
    seq: int
    heading: str
    said: str
    inputs: tuple[tuple[str, str], ...]
    rollout: str
    """Its id, where the record is a step of one."""


@dataclass(frozen=True, slots=True)
class Released:
    """A rollout in a line."""

    story: Story
    look: Look
    headline: str
    standings: list[Standing]


def decided(records: Iterable["Record"]) -> list[Decided]:
    """The records, in their order."""
    return [_decided(one) for one in records]


def _decided(record: "Record") -> Decided:
    told = told_of(record) or _any(record)
    line = words.line(told)
    of = f" version {record.version}" if record.version else ""
    rollout = str(told.details.get("rollout", "")) if told.step else ""
    what = f"Rollout of{of}: {line.heading.lower()}" if rollout else record.kind.capitalize() + of
    said = "; ".join((line.said, *line.points))
    return Decided(told.at, record.seq, what, said, line.inputs, rollout)


def _any(record: "Record") -> Told:
    """Any other record; of details that are no JSON object, since somebody changed them, their text."""
    try:
        details = json.loads(record.details)
    except (ValueError, TypeError):
        details = None
    if not isinstance(details, dict):
        details = {"text": record.details} if record.details else {}
    return Told(_time(record.time), "", record.summary, (), record.seq, details)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def released(stories: Sequence[Story]) -> dict[str, Any]:
    """The newest rollouts, and the one that is under way."""
    found = [
        Released(one, words.look(one.verdict), words.headline(one), words.standings(one))
        for one in stories[:MOST_ROLLOUTS]
    ]
    canary = next((one for one in found if not one.story.final), None)
    return {"rollouts": found, "canary": canary}
