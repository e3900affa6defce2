"""Judges a promoted version again, writes down what came out, and takes it back where it is worse."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from timonel.canary import Second, SecondVerdict
from timonel.canary.record.chain import Chain
from timonel.canary.record.reading import Step
from timonel.errors import BadInput, Busy
from timonel_components.register import CHAMPION
from timonel_pipelines.rollout.behaviour.behaviour import Pair, replayable
from timonel_pipelines.rollout.opening import Site
from timonel_pipelines.rollout.record.state import Store
from timonel_pipelines.rollout.route.stand import SETTLE
from timonel_pipelines.rollout.second.past import Past, past_of
from timonel_pipelines.rollout.second.vintages import Vintages

LONGEST_PAUSE, PARTS = 600.0, 20
"""Seconds between two looks at most, and into how many a vintage is cut."""

MOST_LEFT_OUT = 20
"""Vintages that are named because they could not be judged."""
EXIT_CODES = {Second.KEEP: 0, Second.ROLLBACK: 10, Second.UNDECIDED: 30}

Tell = Callable[[str, str], None]


@dataclass(frozen=True)
class SecondLook:
    """The second verdict on one rollout. All of it may be done again after a crash."""

    site: Site
    store: Store
    tell: Tell
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def past(self) -> Past:
        """What was written of it."""
        return past_of(self.site.ledger.decisions(), self.site.config.model.name, self.store.id)

    @property
    def chain(self) -> Chain:
        """What it writes."""
        return self.site.chain(self.store.id)

    def run(self, *, wait: bool = False) -> Second:
        """Judge; with `wait` until there is a verdict, or the time for one is over."""
        pause = min(self.site.config.release.vintage.total_seconds() / PARTS, LONGEST_PAUSE)
        watch = replace(self, tell=_once(self.tell))
        while (verdict := watch.look()) is Second.UNDECIDED and wait and not self._late():
            time.sleep(max(pause, 1.0))
        return verdict

    def look(self) -> Second:
        """Judge once, and act on it. What was settled before is not judged anew."""
        past = self.past
        if past.verdict is not None and past.over:
            return past.verdict
        if past.verdict is not Second.ROLLBACK:
            found, method = self._judged(past)
            if found.verdict is not Second.ROLLBACK:
                self._record(past, found, method)
                return found.verdict
            with self.site.rollouts.driving():
                self.chain.claim(self.store.load().challenger.number)
                self._record(past, found, method)
        with self.site.rollouts.driving():
            self._revert()
        return Second.ROLLBACK

    def _judged(self, past: Past) -> tuple[SecondVerdict, str]:
        state, site = self.store.load(), self.site
        now = site.registry.aliases.of(CHAMPION)
        if now != state.challenger.number:
            raise BadInput(
                f"version {state.challenger.number} is not the champion any more, version {now} is:"
                " there is nothing to take back"
            )
        pair = Pair(site.config, site.ledger, state.champion, state.challenger)
        last = past.promoted + site.config.release.second_within
        vintages = Vintages(pair, past.started, last, self.store.id)
        hindrance = replayable(site.config, state.champion, state.challenger)
        if hindrance is None:
            return vintages.replayed(self.clock()), "paired"
        self.tell("unpaired", f"{hindrance}; each version is judged by the rows that it served")
        return vintages.served(self.clock()), "unpaired"

    def _record(self, past: Past, found: SecondVerdict, method: str) -> None:
        """Write a verdict down, unless it says what the last one said."""
        self.tell(found.verdict.value, "; ".join(found.reasons))
        for reason in found.left_out[:MOST_LEFT_OUT]:
            self.tell("left out", reason)
        left_out = found.left_out[:MOST_LEFT_OUT]
        said = _plain(
            found.to_dict() | {"method": method, "judged": past.judged, "left_out": left_out}
        )
        known = past.said or {}
        if all(known.get(name) == said[name] for name in ("verdict", "vintages", "reasons")):
            return
        summary = f"second verdict: {found.verdict.value}; {found.reasons[0]}"
        self.chain.say(Step.SECOND, self.store.load().challenger.number, summary, **said)

    def _revert(self) -> None:
        """The predecessor serves again: by the same turn and the same look before the move as a promotion."""
        state, registry = self.store.load(), self.site.registry
        new, old = state.challenger, state.champion
        self.chain.claim(new.number)
        registry.require_unchanged(old)
        if (now := registry.aliases.of(CHAMPION)) not in (new.number, old.number):
            raise Busy(
                f"the alias {CHAMPION} names version {now} meanwhile: nothing was taken back"
            )
        serving = self.site.stand.standing.router is not None
        if serving:
            self.site.stand.open()
            self.site.stand.serve(old)
        self.chain.require()
        registry.aliases.move(CHAMPION, new.number, old.number)
        self.tell("champion", f"version {old.number} again")
        if serving:
            self._route_back()
        summary = f"taken back after the second verdict: champion is version {old.number} again"
        self.chain.say(Step.ENDED, new.number, summary, verdict=Second.ROLLBACK.value)
        self.tell("end", summary)

    def _route_back(self) -> None:
        state, stand = self.store.load(), self.site.stand
        stand.route({state.champion.number: 100})
        time.sleep(SETTLE)
        stand.stop(state.challenger.number)

    def _late(self) -> bool:
        own = self.site.config
        last = self.past.promoted + own.release.second_within + own.data.label_delay
        return self.clock() > last


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in said.items()}


def _once(tell: Tell) -> Tell:
    """What was told before is not told again."""
    told: set[tuple[str, str]] = set()

    def tell_new(what: str, text: str) -> None:
        if (what, text) not in told:
            told.add((what, text))
            tell(what, text)

    return tell_new
