"""What a rollout knows of itself, on the disk before each thing it does: so that it can be taken up again."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import Base64Bytes, BaseModel, ConfigDict, JsonValue

from timonel.canary import Block, Decision, Metric, Verdict
from timonel.canary.cutting import Totals
from timonel.errors import BadInput, Busy
from timonel.files import write_text
from timonel.terms import Strategy
from timonel_pipelines.rollout.evidence.values import Figures
from timonel_pipelines.rollout.route.stand import Version


class Phase(StrEnum):
    """How far it is."""

    STARTING = "starting"
    RUNNING = "running"
    APPROVAL = "approval"
    PROMOTING = "promoting"
    HOLDING = "holding"
    RETURNING = "returning"
    WITHDRAWING = "withdrawing"
    ENDED = "ended"


class State(BaseModel):
    """One rollout. Frozen: a change is a new state, written whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    model: str
    champion: Version
    challenger: Version
    strategy: Strategy = Strategy.CANARY
    requests_per_block: float
    phase: Phase = Phase.STARTING
    weight: int = 0
    """Percent that the challenger should have."""
    weight_before: int = 0
    """What it had before: one of the two is in force if the driver died while changing it."""
    weight_since: datetime
    counted_from: datetime
    """A whole hour: from there on the monitor's counts are added up."""
    totals: Totals = Totals()
    """At the end of the last block."""
    replay_from: datetime | None = None
    """Logged rows of this time or later are replayed."""
    replayed: int = 0
    """How many numbers the file of replayed rows holds."""
    metrics: tuple[Metric, ...] = ()
    """The plan's, with what was learnt before the start."""
    learnt: dict[str, JsonValue] = {}
    """What that was."""
    judged_from: datetime | None = None
    """When the first block began."""
    figures: Figures = {}
    """Business figures that blocks hold so far."""
    released: datetime | None = None
    """When all requests went to the challenger while its predecessor stayed warm."""
    block_end: datetime | None = None
    blocks: int = 0
    restarts: int = 0
    """Deaths of the challenger's process since the last block."""
    judge: Base64Bytes = b""
    verdict: Verdict = Verdict.CONTINUE
    reasons: tuple[str, ...] = ()
    hands_off: bool = False
    """Whether somebody else set the weights: they are left as they are."""


@dataclass(frozen=True)
class Store:
    """The files of one rollout."""

    folder: Path

    @property
    def id(self) -> str:
        """Its name."""
        return self.folder.name

    def save(self, state: State) -> State:
        """Write the state, whole or not at all."""
        write_text(self.folder / "state.json", state.model_dump_json(indent=2) + "\n")
        return state

    def load(self) -> State:
        """The state that was written last."""
        return State.model_validate_json((self.folder / "state.json").read_text(encoding="utf-8"))

    def add_block(self, number: int, block: Block, decision: Decision) -> None:
        """Append a block with what the judge said, in place of what is there of this number or later."""
        path = self.folder / "blocks.jsonl"
        kept = path.read_bytes().splitlines(keepends=True)[: number - 1] if path.exists() else []
        line = json.dumps({"block": block.to_dict(), "decision": decision.to_dict()})
        size = sum(map(len, kept))
        with path.open("ab") as stream:
            os.truncate(stream.fileno(), size)
            stream.write(line.encode() + b"\n")

    def blocks(self) -> Iterator[dict[str, Any]]:
        """Blocks with what was said of each, in order."""
        path = self.folder / "blocks.jsonl"
        if path.exists():
            for line in path.read_bytes().splitlines():
                yield json.loads(line)

    def decisions(self) -> Iterator[tuple[datetime, dict[str, Any]]]:
        """What was said at the end of each block, in order."""
        for told in self.blocks():
            yield datetime.fromisoformat(told["block"]["end"]), told["decision"]

    def note(self, name: str, **facts: JsonValue) -> None:
        """Leave a note for whoever drives it: approval or abort."""
        write_text(self.folder / f"{name}.json", json.dumps(facts) + "\n")

    def noted(self, name: str) -> dict[str, Any] | None:
        """Such a note."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            return None
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found


@dataclass(frozen=True)
class Rollouts:
    """All rollouts of a model on this machine."""

    folder: Path

    def store(self, name: str | None = None) -> Store:
        """One of them by its id, or the newest; raises BadInput where there is none."""
        if name is not None and (self.folder / name / "state.json").exists():
            return Store(self.folder / name)
        known = sorted(p.parent.name for p in self.folder.glob("*/state.json"))
        if name is not None or not known:
            raise BadInput(
                f"there is no rollout {name or ''}".rstrip(),
                fix=f"use one of {', '.join(known)}" if known else "timonel rollout start",
            )
        return Store(self.folder / known[-1])

    def all(self) -> Iterator[Store]:
        """All of them, the newest first."""
        for path in sorted(self.folder.glob("*/state.json"), reverse=True):
            yield Store(path.parent)

    def driving(self) -> FileLock:
        """The right to drive a rollout on this machine; raises Busy while another command has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "driver.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise Busy(
                "a rollout of this model is being driven by another command on this machine",
                fix="let it end, or timonel rollout abort",
            ) from None
        return lock
