"""What the examination hands on: the chosen model, what was found of it, and the verdict of the gates."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from timonel_components.evaluation.gates import GateReport
from timonel_components.evaluation.result import Evaluation
from timonel_components.report import write_report
from timonel_components.train import Trained

CHOSEN, REPORT, GATES = "model", "report", "gates.json"


@dataclass(frozen=True)
class Examined:
    """The directory of the examination's artifact."""

    directory: Path

    @property
    def trained(self) -> Trained:
        """The chosen model."""
        return Trained.load(self.directory / CHOSEN)

    @property
    def evaluation(self) -> Evaluation:
        """What was found."""
        return Evaluation.load(self.directory / REPORT / "evaluation.json")

    @property
    def gates(self) -> GateReport:
        """The verdict."""
        return GateReport.load(self.directory / GATES)

    def save(self, model: Path, evaluation: Evaluation, gates: GateReport) -> Path:
        """Write the chosen model, the findings and the verdict; returns the page that shows them."""
        shutil.copytree(model, self.directory / CHOSEN)
        gates.save(self.directory / GATES)
        return write_report(evaluation, self.directory / REPORT, gates)


def verdict_of(gates: GateReport) -> str:
    """The verdict in a word: what the branches of the pipeline ask for."""
    return "pass" if gates.passed else "fail"


@dataclass(frozen=True)
class Shown:
    """The findings as the page of Kubeflow Pipelines shows them."""

    evaluation: Evaluation
    gates: GateReport
    report_file: Path

    @property
    def verdict(self) -> str:
        """What the branches of the pipeline ask for."""
        return verdict_of(self.gates)

    @property
    def figures(self) -> dict[str, float]:
        """Every metric that has a value."""
        return {n: e.value for n, e in self.evaluation.metrics.items() if e.value is not None}

    @property
    def classes(self) -> list[str]:
        """The names of the classes."""
        return list(self.evaluation.classes)

    @property
    def confusion(self) -> list[list[int]]:
        """Rows by true and predicted class."""
        return [list(row) for row in self.evaluation.confusion]

    @property
    def roc(self) -> tuple[list[float], list[float], list[float]]:
        """False and true positive rates and thresholds, of the last class where there are several."""
        curves = list(self.evaluation.roc.values())
        if not curves:
            return [], [], []
        last = curves[-1]
        return list(last.x), list(last.y), list(last.threshold)

    def write(self, summary: str, report: str) -> None:
        """Write the summary as Markdown, the report as HTML."""
        Path(summary).write_text(self._markdown(), encoding="utf-8")
        shutil.copyfile(self.report_file, report)

    def _markdown(self) -> str:
        rows = [f"| {n} | {e} |" for n, e in self.evaluation.metrics.items()]
        gates = [f"| {'holds' if g.passed else '**fails**'} | {g} |" for g in self.gates.results]
        return "\n".join(
            [
                f"# {self.evaluation.model}: {self.evaluation.candidate}",
                f"{self.evaluation.rows:,} test rows. Gates: **{self.verdict}**.\n",
                *_table("metric", "value (interval)", rows),
                *_table("gate", "found", gates),
            ]
        )


def _table(left: str, right: str, rows: list[str]) -> list[str]:
    return [f"| {left} | {right} |", "|---|---|", *rows, ""] if rows else []
