"""The rollouts of one model that are judged here, block by block."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, RLock
from typing import Any

from timonel.canary import CanaryJudge, CanaryPlan
from timonel.canary.cutting import check_metrics
from timonel.config import Config
from timonel.errors import BadInput, Corrupt
from timonel_serving.monitor.rollouts import looking
from timonel_serving.monitor.rollouts.judging import judged
from timonel_serving.monitor.rollouts.looking import Source
from timonel_serving.monitor.rollouts.recording import record
from timonel_serving.monitor.rollouts.shelf import MOST, Shelf
from timonel_serving.monitor.rollouts.state import Happened, Hosted, Kind
from timonel_serving.monitor.rollouts.traffic import check_traffic
from timonel_serving.monitor.rollouts.turn import Turn
from timonel_serving.problems import Conflict, NotFound

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SILENT_AFTER = 4
"""Deliveries of a detector that may fail to come before it counts as silent."""
ENDED = "it was ended from outside before the judge had decided"


class Rollouts:
    """At most one is under way. Safe to use from several threads."""

    def __init__(self, name: str, config: Config, source: Source, folder: Path) -> None:
        """Take up what lies in the folder."""
        self._name, self._config, self._source = name, config, source
        self._shelf, self._lock, self._opening = Shelf(folder), RLock(), Lock()
        self.lease = config.release.lease
        self.recording = Lock()
        """Held by whoever writes to the ledger what becomes of a rollout."""
        self._turn = Turn(name, self.lease, source)
        self._known = self._shelf.load()
        detector = config.monitoring.detector
        self._lag = 2 * detector.hand_over_every
        self._silence = SILENT_AFTER * detector.hand_over_every
        current = self.current
        if current is not None:
            # detectors bring what came meanwhile at different times: it tells no share of the traffic
            steady = max(current.steady_from, self._now() + self._lag)
            self._known[current.id] = current.model_copy(update={"steady_from": steady})

    @property
    def all(self) -> tuple[Hosted, ...]:
        """All that are kept, the newest first."""
        with self._lock:
            return tuple(reversed(self._known.values()))

    @property
    def current(self) -> Hosted | None:
        """The one that is under way."""
        return next((one for one in self.all if not one.final), None)

    def get(self, name: str) -> Hosted | None:
        """One of them by its id."""
        return self._known.get(name)

    def open(
        self, stable: str, canary: str, name: str | None = None, *, force: bool = False
    ) -> Hosted:
        """Begin to judge; asked again for the same, the one that is under way.

        Raises `Conflict` while another one is under way, here or by the ledger's lease; BadInput for what
        cannot be judged here, and, unless it is forced, for what the traffic cannot decide.
        """
        with self._opening:
            found = self._wanted(name, stable, canary)
            if isinstance(found, Hosted):
                return found
            plan = CanaryPlan.from_config(self._config)
            check_metrics(plan)
            if not force:
                check_traffic(plan, self._source, stable)
            ledger = self._source.ledger
            if ledger is not None:
                # what has ended here gives up the lease by its last step
                record(self, ledger, afresh=True)
            self._turn.claim(found, canary)
            with self._lock:
                return self._keep(self._begun(found, stable, canary, plan))

    def _begun(self, name: str, stable: str, canary: str, plan: CanaryPlan) -> Hosted:
        now, start = self._now(), looking.beginning(self._source)
        one = Hosted(
            id=name,
            model=self._name,
            stable=stable,
            canary=canary,
            plan=plan,
            opened=now,
            counted_from=start,
            totals=looking.totals_since(self._source, start),
            block_end=now,
            judge=CanaryJudge(plan).state(),
            steady_from=now,
        )
        said = f"version {canary} beside version {stable} is judged here"
        return one.after(Happened(at=now, step=Kind.STARTED, said=said))

    def tell_weight(self, name: str, weight: float | None) -> Hosted:
        """Note what the route was set to; None: it is being changed, and requests follow no known weight."""

        def told(one: Hosted, now: datetime) -> Hosted:
            if one.weight == weight:
                return one
            if weight is None:
                return one.model_copy(update={"weight": None})
            said = f"the route was set to {weight:g} % for version {one.canary}"
            happened = Happened(at=now, step=Kind.WEIGHT, said=said)
            return one.after(happened, weight=weight, steady_from=now + self._lag)

        return self._change(name, told)

    def close(self, name: str, said: str = ENDED) -> Hosted:
        """End one that is under way; it is inconclusive then."""

        def closed(one: Hosted, now: datetime) -> Hosted:
            return one.after(Happened(at=now, step=Kind.ENDED, said=said), closed=said)

        return self._change(name, closed)

    @property
    def due(self) -> bool:
        """Whether the lease of the one under way is to be renewed."""
        one = self.current
        return one is not None and self._turn.due(one.id)

    def hold(self) -> None:
        """Renew it if it is due; a rollout whose lease another one has taken is over."""
        # so that no lease is renewed after the last word that gives it up
        with self.recording:
            one = self.current
            if one is None or not self._turn.due(one.id):
                return
            try:
                self._turn.claim(one.id, one.canary)
            except Conflict as lost:
                with suppress(Conflict):  # the judge may have decided just now
                    self.close(one.id, f"it has lost its turn: {lost.message}")

    @property
    def unrecorded(self) -> tuple[Hosted, ...]:
        """Those with steps that are not in the ledger yet, the oldest first."""
        return tuple(one for one in reversed(self.all) if one.recorded < len(one.steps))

    def note_recorded(self, name: str, steps: int) -> None:
        """So many steps of one are in the ledger."""
        with self._lock:
            one = self._known.get(name)
            if one is not None and one.recorded < steps:
                self._keep(one.model_copy(update={"recorded": steps}))

    def turn(self) -> None:
        """Judge a block if one is over."""
        with self._lock:
            one, now = self.current, self._now()
            if one is None or now < one.block_end + one.plan.block:
                return
            try:
                after = judged(self._source, one, now, self._silence)
            except (BadInput, Corrupt) as error:
                # such as a state that is damaged: never a pass, and no reason to stop watching
                said = f"it cannot be judged any more: {error.message}"
                after = one.after(Happened(at=now, step=Kind.ENDED, said=said), closed=said)
            self._keep(after)

    def _change(self, name: str, change: Callable[[Hosted, datetime], Hosted]) -> Hosted:
        with self._lock:
            one = self._known.get(name)
            if one is None:
                raise NotFound(f"there is no rollout {name[:100]!r} here")
            if one.final:
                raise Conflict(f"the rollout {name} has ended: {one.verdict.value}")
            after = change(one, self._now())
            return one if after is one else self._keep(after)

    def _wanted(self, name: str | None, stable: str, canary: str) -> Hosted | str:
        """The one that is under way if it is the same, else the id of the new one."""
        if name is not None and not ID.fullmatch(name):
            raise BadInput(
                f"the id is {name[:100]!r}, expected letters, digits, dots, dashes and underscores",
                fix="give another one, of at most 100 characters",
            )
        if stable == canary:
            raise BadInput(f"stable and canary are both version {stable}", fix="name two versions")
        current = self.current
        if current is not None:
            same = (current.stable, current.canary) == (stable, canary)
            if same and name in (None, current.id):
                return current
            raise Conflict(
                f"the rollout {current.id} of {self._name} is under way: version {current.canary} "
                f"beside {current.stable}",
                why="two at once would each be judged on the other's traffic",
                fix=f"let it end, or end it: DELETE /v1/rollouts/{current.id}",
            )
        name = name or _named(canary, self._now())
        if name in self._known:
            raise Conflict(
                f"the rollout {name} has ended: {self._known[name].verdict.value}",
                why="its evidence is old: it says nothing of what runs now",
                fix="open one with another id",
            )
        return name

    def _keep(self, one: Hosted) -> Hosted:
        self._shelf.save(one)
        self._known[one.id] = one
        for name in [k.id for k in self._known.values() if k.final and k.id != one.id]:
            if len(self._known) <= MOST:
                break
            del self._known[name]
            self._shelf.remove(name)
        return one

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._source.now(), UTC)


def _named(canary: str, now: datetime) -> str:
    safe: list[Any] = re.findall(r"[A-Za-z0-9._-]+", canary)
    return f"{now:%Y%m%dT%H%M%S}-{'-'.join(safe)[:60] or 'canary'}"
