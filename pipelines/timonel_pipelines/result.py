"""What a training came to: the same for people and for programs."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from timonel.cli.console import short_path
from timonel.errors import TimonelError
from timonel_components.evaluation.gates import GateResult
from timonel_pipelines.running import Run

REFUSED_EXIT = 10
"""Exit code of a training whose model failed its gates."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(_Frozen):
    """A metric on the test rows with its interval."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        interval = "" if self.low is None else f"  ({self.low:.4f} to {self.high:.4f})"
        return f"{self.value:.4f}{interval}"


class Trained(_Frozen):
    """What a training came to, wherever it ran."""

    version: int | None = None
    """None if it failed its gates."""
    package_digest: str | None = None
    data_version: int
    gates: tuple[GateResult, ...]
    tracking_run: str

    @property
    def failures(self) -> tuple[GateResult, ...]:
        """The gates that do not hold."""
        return tuple(g for g in self.gates if not g.passed)


class TrainingResult(Trained):
    """The outcome of a training on this machine."""

    model: str
    registered: bool
    aliases: tuple[str, ...] = ()
    package: Path | None = None
    backend: str | None = None
    candidate: str
    selection_metric: str
    metrics: dict[str, Figure]
    seconds: float
    report: Path
    log: Path

    @classmethod
    def of(cls, run: Run) -> Self:
        """Read a finished run."""
        prepared, found = (_facts(run, step) for step in ("prepare", "evaluate"))
        registered = run.done("register")
        if registered is None and run.done("refuse") is None:
            raise TimonelError(
                f"the run neither registered nor refused its model; the log: {run.log}"
            )
        return cls.model_validate(
            {
                **found,
                **(registered.facts if registered else {}),
                "registered": registered is not None,
                "data_version": prepared["data_version"],
                "tracking_run": prepared["tracking_run"],
                "seconds": round(run.seconds, 1),
                "report": run.directory / "report" / "report.html",
                "log": run.log,
            }
        )

    def told(self) -> str:
        """The result as a person reads it."""
        return "\n".join([self._headline(), *self._lines()])

    def _headline(self) -> str:
        if self.registered:
            return (
                f"{self.model} version {self.version} is registered: {' and '.join(self.aliases)}"
            )
        return (
            f"{self.model}: nothing was registered,"
            f" {len(self.failures)} of {len(self.gates)} gates failed"
        )

    def _lines(self) -> list[str]:
        shown = dict.fromkeys((self.selection_metric, "roc_auc", "log_loss"))
        rows = [("candidate", self.candidate)]
        rows += [(name, str(self.metrics[name])) for name in shown if name in self.metrics]
        rows += [(f"gate {g.metric}", _judged(g)) for g in self.gates]
        places = {"package": self.package, "report": self.report, "log": self.log}
        rows += [(name, short_path(path)) for name, path in places.items() if path]
        rows.append(("time", f"{self.seconds:.0f} s"))
        width = max(len(name) for name, _ in rows)
        return [f"  {name:<{width}}  {text}" for name, text in rows]


def _judged(gate: GateResult) -> str:
    if gate.sentence:
        return f"{'holds' if gate.passed else 'FAILS'}: {gate.sentence}"
    return f"{'holds' if gate.passed else 'FAILS'}: {gate.actual}, expected {gate.expected}"


def _facts(run: Run, step: str) -> dict[str, Any]:
    event = run.done(step)
    return event.facts if event else {}
