"""In which order what serves is changed, so that no request fails and none reaches a rejected version."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from releasing.chart import Chart
from releasing.ready import ready
from releasing.serving import Served, Side
from releasing.trouble import Trouble

READY_WITHIN = 600  # seconds for a version's pods


@dataclass(frozen=True)
class Moves:
    """Changes of one release; each may be done again, from wherever the last attempt ended."""

    chart: Chart
    settle: float  # seconds that a gateway may take to follow a change of the route
    say: Callable[[str], None]

    def begin(self, now: Served, canary: Side) -> Served:
        """The canary beside the stable version, without traffic."""
        wanted = replace(now, canary=canary, weight=0)
        self._serve(wanted, f"{canary.version} beside {now.stable.version}, without traffic")
        return self.chart.deployed() or wanted  # with what the values say of the packages

    def weigh(self, now: Served, weight: int) -> Served:
        """Percent to the canary; of the chart's objects only the route differs."""
        why = f"{weight} % to {_canary(now).version}"
        return self._serve(replace(now, weight=weight), why, wait=False)

    def promote(self, now: Served) -> None:
        """All traffic to the canary while the stable one is replaced, then the other way round."""
        canary = _canary(now)
        if canary.uri == "":  # to the chart: the package of stable
            canary = replace(now.stable, version=canary.version)
        why = f"promote: all to {canary.version}"
        if now.stable.version != canary.version:
            self._serve(replace(now, weight=100), why)
        if now.strategy == "knative":
            # the same revision, now without a percentage
            self._serve(replace(now, stable=canary, canary=None, weight=0), why)
            return
        now = self._serve(replace(now, stable=canary, weight=100), why)
        self.withdraw(now, f"{canary.version} is the stable version")

    def withdraw(self, now: Served, why: str) -> None:
        """Weight 0 first: a route that names a backend that has gone answers its share with 500."""
        step = f"{why}: all to {now.stable.version}, the canary goes"
        now = self._serve(replace(now, weight=0), step, wait=False)
        if now.strategy == "knative":
            now = replace(now, canary=None, hold=True)
            self.release_hold(self._serve(now, step, wait=False, say=False))
            return
        time.sleep(self.settle)
        self._serve(replace(now, canary=None), step, wait=False, say=False)

    def release_hold(self, now: Served) -> None:
        """Give Knative's newest revision all: not before that is the stable version's, and ready."""
        self._await(now)
        self._serve(replace(now, hold=False), f"{now.stable.version} serves alone", wait=False)

    def _serve(self, wanted: Served, why: str, *, wait: bool = True, say: bool = True) -> Served:
        if say:
            self.say(why)
        # on Knative Helm waits in vain: KServe tells the generation of its Knative Service as its own, and
        # the two part at the first change that is none to Knative
        self.chart.serve(wanted, why, wait=wait and wanted.strategy != "knative")
        if wait:
            self._await(wanted)
        return wanted

    def _await(self, wanted: Served) -> None:
        """Until it serves: the gateway, and the status, follow a change with a delay."""
        until = time.monotonic() + READY_WITHIN
        time.sleep(self.settle)
        while not ready(self.chart.release, self.chart.namespace, wanted):
            if time.monotonic() > until:
                versions = [one.version for one in (wanted.stable, wanted.canary) if one]
                raise Trouble(f"{' and '.join(versions)}: not ready within {READY_WITHIN} s")
            time.sleep(1)
        time.sleep(self.settle)


def _canary(now: Served) -> Side:
    if now.canary is None:
        raise Trouble(f"no canary is deployed beside {now.stable.version}")
    return now.canary
