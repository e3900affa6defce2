"""The steps of a release, one at a time: for whoever keeps the state elsewhere, such as Argo Workflows.

Each reads what serves from the deployed release and may be done again, from wherever the last attempt ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from releasing.judge import Judge
from releasing.moves import Moves
from releasing.report import report
from releasing.serving import Served, Side
from releasing.trouble import Trouble
from releasing.verdicts import CODES

Outputs = dict[str, str]


@dataclass
class Steps:
    """What a step may use."""

    moves: Moves
    judge: Judge
    name: str
    model: str
    canary: Side
    weight: int | None = None
    steps: list[str] = field(default_factory=list)

    def plan(self) -> Outputs:
        """Look whether the release can begin; which version serves now."""
        now = self._deployed()
        version = self.canary.version
        if now.canary and now.canary.version != version:
            raise Trouble(f"a canary of version {now.canary.version} is under way: settle it first")
        if now.stable.version == version:
            raise Trouble(f"version {version} serves already")
        return {"stable": now.stable.version, "strategy": now.strategy}

    def deploy(self) -> Outputs:
        """The canary beside the stable version, without traffic."""
        self.moves.begin(self._deployed(), self.canary)
        return {}

    def open(self) -> Outputs:
        """Have the canary judged."""
        return self._said(
            self.judge.open(self.model, self._mine().stable.version, self.canary.version, self.name)
        )

    def look(self) -> Outputs:
        """The verdict so far; `change` says whether the route has another weight than the judge wants."""
        now = self._deployed()
        if not self._is_mine(now):
            reason = f"version {now.stable.version} serves: somebody else changed the release"
            return {"verdict": "inconclusive", "weight": "0", "change": "false", "reasons": reason}
        last = self.judge.verdict(self.name)
        return self._said(last) | {"change": str(last["weight"] != now.weight).lower()}

    def weigh(self) -> Outputs:
        """Set the weight that was asked for, and tell the judge."""
        if self.weight is None:
            raise Trouble("weigh needs --weight PERCENT")
        with self.judge.told(self.name, self.weight):
            self.moves.weigh(self._mine(), self.weight)
        return {}

    def promote(self) -> Outputs:
        """The canary becomes the stable version; refused unless that is the judge's verdict."""
        now = self._deployed()
        if now.stable.version == self.canary.version and not now.canary:
            self.moves.say(f"{now.stable.version} serves alone already")
            return {}
        verdict = self.judge.verdict(self.name)["verdict"]
        if verdict != "promote":
            raise Trouble(f"the verdict on {self.name} is {verdict}, not promote")
        self.moves.promote(self._mine())
        return {}

    def withdraw(self) -> Outputs:
        """The stable version serves alone."""
        self._alone(f"{self.canary.version} is withdrawn")
        return {}

    def settle(self) -> Outputs:
        """One version serves, whatever was left undone; the judge looks no longer. Prints the report."""
        self._alone("the release has ended")
        try:
            last = self.judge.close(self.name)
        except Trouble as trouble:  # what serves is settled: that nobody judges it does no harm
            self.moves.say(str(trouble))
            last = {}
        serves = self._deployed().stable.version
        title = f"{self.model}: {serves} serves; verdict {last.get('verdict', 'unknown')}"
        print(report(title, self.name, last, self.steps), flush=True)
        return {"stable": serves}

    def _alone(self, why: str) -> None:
        """Take our canary away; a promotion whose stable pods were under way is finished."""
        now = self.moves.chart.deployed()
        if now and now.hold and not now.canary:
            self.moves.release_hold(now)
        elif now is None or not self._is_mine(now):
            self.moves.say("no canary of this release is deployed")
        elif now.stable.version == self.canary.version:
            self.moves.promote(now)
        else:
            self.moves.withdraw(now, why)

    def _deployed(self) -> Served:
        now = self.moves.chart.deployed()
        if now is None:
            chart = self.moves.chart
            raise Trouble(f"no release {chart.release} in namespace {chart.namespace}: install it")
        return now

    def _mine(self) -> Served:
        """What serves, the canary being ours."""
        now = self._deployed()
        if not self._is_mine(now):
            raise Trouble(f"the canary that is deployed is not {self.canary.version}")
        return now

    def _is_mine(self, now: Served) -> bool:
        return now.canary is not None and now.canary.version == self.canary.version

    def _said(self, last: dict[str, Any]) -> Outputs:
        """The verdict, inconclusive only if that is the judge's last word."""
        verdict = last["verdict"] if last["final"] or last["verdict"] == "rollback" else "continue"
        if last["final"] and verdict == "continue":
            verdict = "inconclusive"
        reasons = "\n".join(last.get("reasons", []))
        return {"verdict": verdict, "weight": str(last["weight"]), "reasons": reasons}


def code(outputs: Outputs) -> int:
    """Return the exit code: that of the verdict, 0 of a step that has none."""
    return CODES[outputs.get("verdict", "promote")]


NAMES: dict[str, Callable[[Steps], Outputs]] = {
    step.__name__: step
    for step in (
        Steps.plan,
        Steps.deploy,
        Steps.open,
        Steps.look,
        Steps.weigh,
        Steps.promote,
        Steps.withdraw,
        Steps.settle,
    )
}
